"""Expressions over the names of metrics: reading them, and refusing what may not stand there."""

from __future__ import annotations

import ast
import math

import attrs

from clantune_store.errors import MetricError

LONGEST = 2_000
"""Characters of an expression."""

DEEPEST, LEVEL, CHAIN = 50, 6, 1
"""How deep an expression may be: each level counts 6, and each further term of `a + b + c` 1.

SQLite reads no more.
"""

ALLOWED = (
    "here may stand names of metrics, numbers, + - * /, comparisons such as 1 <= trades <= 150, "
    "and, or, not, A if B else C, abs(), min() and max()"
)

FUNCTIONS = {"abs": (1, 1), "min": (2, LONGEST), "max": (2, LONGEST)}
"""Least and largest number of arguments."""

ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)
UNARY = (ast.USub, ast.UAdd, ast.Not)
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


@attrs.frozen
class Expression:
    """An expression that has been read, and holds nothing but what is allowed.

    Attributes:
        text: What a user has written.
        tree: Its syntax.
        names: Names of metrics in it, with dots, each once, in order.
    """

    text: str
    tree: ast.expr = attrs.field(repr=False, eq=False)
    names: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Expression:
        """Read an expression.

        Raises:
            MetricError: It is none, or something in it is not allowed.
        """
        if len(text) > LONGEST:
            raise MetricError(
                f"the metric {text[:40]!r}... has {len(text)} characters; it may have {LONGEST}"
            )
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = getattr(error, "msg", None) or "it is nested too deeply"
            raise MetricError(f"{text!r} is not an expression ({reason}); {ALLOWED}") from None
        names: dict[str, None] = {}
        _Check(text, names).visit(tree, 0)
        return cls(text, tree, tuple(names))


def dotted(node: ast.expr) -> str | None:
    """Return the name that a piece of syntax is, such as `a.b`; None if it is not a name."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


@attrs.frozen
class _Check:
    """Walks a tree; collects its names, and raises for a piece that is not allowed."""

    text: str
    names: dict[str, None]

    def visit(self, node: ast.expr, depth: int) -> None:
        if isinstance(node, ast.Name | ast.Attribute):
            self._name(node)
        elif isinstance(node, ast.Constant):
            self._constant(node)
        elif isinstance(node, ast.Call):
            self._call(node)
        elif not _is_allowed(node):
            raise self._refused(node)
        inner = _below(node)
        if inner and depth > DEEPEST:
            raise MetricError(
                f"the metric {self.text[:40]!r}... is nested too deeply, more than "
                f"{DEEPEST // LEVEL} levels: let the program report a part of it"
            )
        for below in inner:
            chain = isinstance(node, ast.BinOp) and below is node.left
            self.visit(below, depth + (CHAIN if chain else LEVEL))

    def _name(self, node: ast.expr) -> None:
        name = dotted(node)
        if name is None:
            raise self._refused(node)
        if any(part.startswith("_") for part in name.split(".")):
            raise self._refused(node, "; a name does not start with _")
        self.names[name] = None

    def _constant(self, node: ast.Constant) -> None:
        if not isinstance(node.value, int | float):
            raise self._refused(node)
        try:
            finite = math.isfinite(float(node.value))
        except OverflowError:
            finite = False
        if not finite:
            raise self._refused(node, "; it is too large a number")

    def _call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        starred = any(isinstance(argument, ast.Starred) for argument in node.args)
        if name not in FUNCTIONS or node.keywords or starred:
            raise self._refused(node)
        least, most = FUNCTIONS[name]
        if not least <= len(node.args) <= most:
            needs = "one argument" if most == 1 else f"at least {least} arguments"
            raise self._refused(node, f"; {name}() takes {needs}")

    def _refused(self, node: ast.expr, reason: str = "") -> MetricError:
        piece = ast.get_source_segment(self.text.strip(), node) or ast.unparse(node)
        piece = piece if len(piece) <= 40 else f"{piece[:40]}..."
        whole = self.text if len(self.text) <= 80 else f"{self.text[:80]}..."
        return MetricError(f"{piece!r} may not stand in the metric {whole!r}{reason}; {ALLOWED}")


def _is_allowed(node: ast.expr) -> bool:
    match node:
        case ast.BinOp():
            return isinstance(node.op, ARITHMETIC)
        case ast.UnaryOp():
            return isinstance(node.op, UNARY)
        case ast.Compare():
            return all(isinstance(operator, COMPARISONS) for operator in node.ops)
    return isinstance(node, ast.BoolOp | ast.IfExp)


def _below(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.Attribute):
        return []
    if isinstance(node, ast.Call):
        return node.args
    return [below for below in ast.iter_child_nodes(node) if isinstance(below, ast.expr)]
