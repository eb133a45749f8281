"""Rules that give a parameter its value: `x == expression`."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from clantune_core import AlleleError
from clantune_store.space.expressions import Expression, parse
from clantune_store.space.rules import Rule
from clantune_store.space.space import Space
from clantune_store.space.suffixes import suffix_of


@attrs.frozen
class Assignment:
    """A rule that says what the value of a parameter is.

    Attributes:
        name: Full name of the parameter.
        value: What its value is; the name is not in it.
        when: Condition under which it is, or None.
    """

    name: str
    value: Expression
    when: Expression | None


def assignments_of(rules: Iterable[Rule]) -> tuple[Assignment, ...]:
    """Return the rules that give a parameter its value. Of `x == y`, the first one gets it."""
    return tuple(found for rule in rules if (found := _assignment(rule)) is not None)


def assigned(
    assignments: Sequence[Assignment], values: Mapping[str, Any], space: Space
) -> dict[str, Any]:
    """Return values with those that rules give; a value that its parameter cannot hold stays.

    Args:
        assignments: The rules; the value that one gives may be part of another one.
        values: Values by full name, at least of all names in the rules.
        space: Space of the values.
    """
    made = dict(values)
    for _ in assignments:
        before = dict(made)
        for each in assignments:
            made.update(_value(each, made, space))
        if made == before:
            break
    return made


def _assignment(rule: Rule) -> Assignment | None:
    body = ast.parse(rule.require.strip(), mode="eval").body
    if not isinstance(body, ast.Compare) or len(body.ops) != 1:
        return None
    if not isinstance(body.ops[0], ast.Eq):
        return None
    sides = (body.left, body.comparators[0])
    when = parse(rule.when) if rule.when else None
    for one, other in (sides, sides[::-1]):
        name = parse(ast.unparse(one)) if isinstance(one, ast.Name | ast.Attribute) else None
        value = parse(ast.unparse(other))
        if name is not None and name.names[0] not in value.names:
            return Assignment(name.names[0], value, when)
    return None


def _value(each: Assignment, values: Mapping[str, Any], space: Space) -> dict[str, Any]:
    """Return the value that a rule gives, by name; nothing if it gives none."""
    suffix = suffix_of(each.name)
    try:
        if each.when is not None and not each.when.value(values):
            return {}
        allele = space.parameters[each.name].with_value(suffix.held(each.value.value(values)))
    except (AlleleError, ArithmeticError, TypeError, ValueError):
        return {}  # then the rule is broken, and the names in it move
    return {each.name: suffix.stored(allele)}
