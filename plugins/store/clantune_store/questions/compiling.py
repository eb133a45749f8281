"""From an expression to SQL that means the same on SQLite and PostgreSQL.

What is unknown, because a value is not a finite number or a divisor is zero, is NULL, and so is all
that follows from it.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from clantune_store.errors import MetricError
from clantune_store.questions.expression import Expression, dotted

Number = sa.ColumnElement[float]
Truth = sa.ColumnElement[bool]

LARGEST = 1_000
"""Pieces of SQL of an expression; the middle of `a < b < c` counts twice."""

OPERATORS: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def value_of(expression: Expression, columns: Mapping[str, Number]) -> Number:
    """Return the SQL of an expression as a number.

    Args:
        expression: Expression.
        columns: Column of the values of each of its names.
    """
    return _Compiler(expression.text, columns).number(expression.tree)


def truth_of(expression: Expression, columns: Mapping[str, Number]) -> Truth:
    """Return the SQL of an expression as a condition; a number is true if it is not zero."""
    return _Compiler(expression.text, columns).truth(expression.tree)


@attrs.define
class _Compiler:
    text: str
    columns: Mapping[str, Number]
    pieces: int = 0

    def number(self, node: ast.expr) -> Number:
        self._count()
        match node:
            case ast.Constant(value=int() | float() as value):
                return sa.literal(float(value), sa.Float)
            case ast.Name() | ast.Attribute():
                return self.columns[dotted(node) or ""]
            case ast.BinOp():
                return self._arithmetic(node)
            case ast.UnaryOp(op=ast.USub()):
                return -self.number(node.operand)
            case ast.UnaryOp(op=ast.UAdd()):
                return self.number(node.operand)
            case ast.Call(func=ast.Name(id=name)):
                return _CALLS[name](*map(self.number, node.args))
            case ast.IfExp():
                return self._choice(node)
        return sa.cast(sa.cast(self.truth(node), sa.Integer), sa.Float)

    def truth(self, node: ast.expr) -> Truth:
        self._count()
        match node:
            case ast.BoolOp(op=ast.And()):
                return sa.and_(*map(self.truth, node.values))
            case ast.BoolOp():
                return sa.or_(*map(self.truth, node.values))
            case ast.UnaryOp(op=ast.Not()):
                return sa.not_(self.truth(node.operand))
            case ast.Compare():
                return sa.and_(*self._comparisons(node))
        return self.number(node) != sa.literal(0.0, sa.Float)

    def _arithmetic(self, node: ast.BinOp) -> Number:
        left, right = self.number(node.left), self.number(node.right)
        if isinstance(node.op, ast.Div):  # by zero: NULL on SQLite, an error on PostgreSQL
            divisor = sa.func.nullif(right, sa.literal(0.0, sa.Float), type_=sa.Float)
            return sa.type_coerce(left.op("/", precedence=8)(divisor), sa.Float).self_group()
        found: Number = OPERATORS[type(node.op)](left, right).self_group()
        return found

    def _choice(self, node: ast.IfExp) -> Number:
        known = sa.cast(self.truth(node.test), sa.Integer)  # a condition may be unknown
        return sa.case((known == 1, self.number(node.body)), (known == 0, self.number(node.orelse)))

    def _comparisons(self, node: ast.Compare) -> Iterator[Truth]:
        sides = [node.left, *node.comparators]
        for left, comparison, right in zip(sides, node.ops, sides[1:], strict=False):
            yield OPERATORS[type(comparison)](self.number(left), self.number(right))

    def _count(self) -> None:
        self.pieces += 1
        if self.pieces > LARGEST:
            raise MetricError(f"the metric {self.text[:40]!r}... has more than {LARGEST} pieces")


class _Extreme(FunctionElement[float]):
    """The least or largest of several numbers; NULL if one of them is."""

    type = sa.Float()
    inherit_cache = True


class _Least(_Extreme):
    name = "min"
    inherit_cache = True


class _Largest(_Extreme):
    name = "max"
    inherit_cache = True


@compiles(_Extreme, "sqlite")
def _on_sqlite(element: _Extreme, compiler: Any, **options: Any) -> str:
    return f"{element.name}({compiler.process(element.clauses, **options)})"


@compiles(_Extreme, "postgresql")
def _on_postgresql(element: _Extreme, compiler: Any, **options: Any) -> str:
    # LEAST and GREATEST leave NULL out.
    rows = ", ".join(f"({compiler.process(clause, **options)})" for clause in element.clauses)
    least = f"CASE WHEN count(v) = count(*) THEN {element.name}(v) END"
    return f"(SELECT {least} FROM (VALUES {rows}) AS each(v))"  # noqa: S608  (compiled SQL)


_CALLS: Mapping[str, Callable[..., Number]] = {"abs": sa.func.abs, "min": _Least, "max": _Largest}
