"""Expressions that a user gives: parsed, and refused if anything but arithmetic is in them."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from clantune_store.errors import RuleError

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "sum": lambda *given: sum(given[0] if isinstance(given[0], list | tuple) else given),
    "sqrt": math.sqrt,
    "log": math.log,
    "round": lambda number, digits=0: round(float(number), digits) if digits else round(number),
}
"""What may be called."""

MAY_STAND = (
    "names, numbers, texts, + - * / % **, comparisons, in, and, or, not, if else, and the "
    f"functions {', '.join(FUNCTIONS)}"
)

LARGEST_POWER = 64
"""The largest exponent."""

LONGEST = 2000
"""The largest number of characters of an expression."""

_OPERATORS = (
    *(ast.And, ast.Or, ast.Not, ast.USub, ast.UAdd, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq),
    *(ast.NotEq, ast.In, ast.NotIn, ast.Load),
)
_SIGNS = (ast.boolop, ast.operator, ast.unaryop, ast.cmpop)
_NODES = (ast.BoolOp, ast.UnaryOp, ast.Compare, ast.IfExp, ast.Tuple, ast.List)


@attrs.frozen
class Expression:
    """An expression that has been checked.

    Attributes:
        text: The expression as it was given.
        names: Full names in it, with `__` for dots, in order.
    """

    text: str
    names: tuple[str, ...]
    _code: Any = attrs.field(repr=False, eq=False)

    def value(self, values: Mapping[str, Any]) -> Any:
        """Return the value of the expression.

        Args:
            values: Values by full name.

        Raises:
            ArithmeticError: It has no value, such as that of 1 / 0.
            ValueError: It has no value, such as that of sqrt(-1).
            TypeError: It compares values of different types.
        """
        own = {f"v_{number}": values[name] for number, name in enumerate(self.names)}
        return _run(self._code, own)


def parse(text: str) -> Expression:
    """Return a checked expression. Names may have dots or `__`.

    Raises:
        RuleError: Something in it may not stand there; the error has that piece.
    """
    if len(text) > LONGEST:
        raise RuleError(f"an expression has more than {LONGEST} characters: {text[:40]!r}...")
    try:
        tree = ast.parse(text.strip(), mode="eval")
        checked = _Checked(text)
        code = _compiled(checked.visit(tree.body))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, RuleError):
            raise
        deep = isinstance(error, RecursionError | MemoryError)
        reason = "it is nested too deep" if deep else getattr(error, "msg", str(error))
        raise RuleError(f"{_cut(text)!r} is not an expression: {reason}") from None
    return Expression(text, tuple(checked.names), code)


class _Checked(ast.NodeTransformer):
    """Replaces the names and calls of an expression, and refuses what may not stand there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: dict[str, int] = {}

    def generic_visit(self, node: ast.AST) -> ast.AST:
        operators = [each for each in ast.iter_child_nodes(node) if isinstance(each, _SIGNS)]
        if not all(isinstance(each, _OPERATORS) for each in operators):
            raise self._refused(node)  # an operator itself has no place in the text
        if not isinstance(node, _OPERATORS + _NODES):
            raise self._refused(node)
        return super().generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not isinstance(node.value, bool | int | float | str | None):
            raise self._refused(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._name(node, node.id)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        parts, inner = [node.attr], node.value
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name):
            raise self._refused(node)
        return self._name(node, "__".join([inner.id, *reversed(parts)]))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = node.func.id if isinstance(node.func, ast.Name) else ""
        starred = any(isinstance(argument, ast.Starred) for argument in node.args)
        if function not in FUNCTIONS or node.keywords or starred:
            raise self._refused(node)
        of = ast.Subscript(ast.Name("f", ast.Load()), ast.Constant(function), ast.Load())
        return ast.Call(of, [self.visit(argument) for argument in node.args], [])

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        kind = type(node.op)
        if kind not in _ARITHMETIC:
            raise self._refused(node)
        left, right = self.visit(node.left), self.visit(node.right)
        if kind is ast.Pow and not _may_be_exponent(right):
            raise RuleError(
                f"{self._piece(node)!r} in {_cut(self.text)!r} is a huge power: an exponent is "
                f"{LARGEST_POWER} at most"
            )
        of = ast.Subscript(ast.Name("f", ast.Load()), ast.Constant(kind.__name__), ast.Load())
        return ast.Call(of, [left, right], [])

    def _name(self, node: ast.expr, name: str) -> ast.AST:
        if any(part.startswith("_") or not part for part in name.split("__")):
            raise RuleError(
                f"{self._piece(node)!r} in {_cut(self.text)!r} begins with _, which no name of a "
                f"parameter does; there may stand {MAY_STAND}"
            )
        number = self.names.setdefault(name, len(self.names))
        return ast.Name(f"v_{number}", ast.Load())

    def _refused(self, node: ast.AST) -> RuleError:
        return RuleError(
            f"{self._piece(node)!r} may not stand in {_cut(self.text)!r}; there may stand "
            f"{MAY_STAND}"
        )

    def _piece(self, node: ast.AST) -> str:
        found = ast.get_source_segment(self.text.strip(), node)
        return _cut(found or type(node).__name__)


def _compiled(body: ast.AST) -> Any:
    whole = ast.fix_missing_locations(ast.Expression(body))  # type: ignore[arg-type]
    return compile(whole, "<expression>", "eval")


def _run(code: Any, values: Mapping[str, Any]) -> Any:
    """Return the value of checked code, which calls nothing but the functions of this module."""
    return eval(code, {"__builtins__": {}, "f": _CALLED}, dict(values))  # noqa: S307


def _may_be_exponent(node: ast.AST) -> bool:
    """Whether an exponent is small, or known only with the values of its names."""
    if any(isinstance(part, ast.Name) and part.id != "f" for part in ast.walk(node)):
        return True
    try:
        return bool(abs(_run(_compiled(node), {})) <= LARGEST_POWER)
    except (ArithmeticError, ValueError, TypeError):
        return False


def _on_numbers(calculate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return an operator that refuses texts and lists, of which it could make very long ones."""

    def guarded(left: Any, right: Any) -> Any:
        for operand in (left, right):
            if not isinstance(operand, int | float):
                raise TypeError(f"{operand!r} is not a number")
        return calculate(left, right)

    return guarded


def _power(base: float, exponent: float) -> float:
    """Return a power in floats: that of whole numbers could fill the memory."""
    if abs(exponent) > LARGEST_POWER:
        raise OverflowError(f"the exponent {exponent!r} is above {LARGEST_POWER}")
    return math.pow(base, exponent)


_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
_CALLED = {
    **FUNCTIONS,
    **{kind.__name__: _on_numbers(calculate) for kind, calculate in _ARITHMETIC.items()},
}


def _cut(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
