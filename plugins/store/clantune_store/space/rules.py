"""Rules between parameters, such as `band.high > band.low`."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import attrs

from clantune_store.database.canonical import canonical
from clantune_store.errors import RuleError
from clantune_store.space.expressions import Expression, parse


def _text(_: object, attribute: attrs.Attribute[str], text: object) -> None:
    if not isinstance(text, str):
        raise RuleError(f"{attribute.name} of a rule must be a text; got {text!r}")


@attrs.frozen
class Rule:
    """A condition that every group of values keeps.

    Attributes:
        require: Condition, such as `"band.high > band.low"`. Names have dots or `__`.
        when: Condition under which it is required, such as `"mode_choice == 'fast'"`; empty:
            always.
    """

    require: str = attrs.field(validator=_text)
    when: str = attrs.field(default="", validator=_text)
    _parsed: tuple[Expression, ...] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        texts = [self.require, self.when] if self.when else [self.require]
        object.__setattr__(self, "_parsed", tuple(parse(text) for text in texts))

    @property
    def names(self) -> tuple[str, ...]:
        """Full names of the parameters in it, in order."""
        return tuple(dict.fromkeys(name for part in self._parsed for name in part.names))

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Return whether values keep the rule. A condition without a value, as by 1 / 0, is broken.

        Args:
            values: Values by full name.

        Raises:
            RuleError: A name in it is unknown.
        """
        require_known(self, values)
        try:
            if self.when and not self._parsed[1].value(values):
                return True
            return bool(self._parsed[0].value(values))
        except (ArithmeticError, ValueError, TypeError):
            return False

    def __str__(self) -> str:
        return f"{self.require} when {self.when}" if self.when else self.require

    def __reduce__(self) -> tuple[Any, ...]:
        return (Rule, (self.require, self.when))  # compiled code cannot be pickled


def require_known(rule: Rule, names: Collection[str]) -> None:
    """Raise an error for a name in a rule that is not a parameter.

    Args:
        rule: The rule.
        names: Full names of the parameters, in which one is found fast, as in a dictionary.

    Raises:
        RuleError: There is one; the error has the nearest parameter.
    """
    for name in rule.names:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            advice = f"; the nearest is {_dotted(near[0])}" if near else ""
            raise RuleError(f"the rule {rule} has no parameter {_dotted(name)} to ask{advice}")


def require_kept(rules: Iterable[Rule], values: Mapping[str, Any]) -> None:
    """Raise an error if values break a rule.

    Args:
        rules: The rules.
        values: Values by full name.

    Raises:
        RuleError: They break one; the error has the rule and the values.
    """
    for rule in rules:
        if not rule.holds(values):
            shown = ", ".join(f"{_dotted(name)} = {canonical(values[name])}" for name in rule.names)
            raise RuleError(f"the values break the rule {rule}: {shown or 'it is never kept'}")


def _dotted(name: str) -> str:
    return name.replace("__", ".")
