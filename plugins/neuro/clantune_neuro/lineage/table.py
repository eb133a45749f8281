"""The table of operators in a blueprint: which number is which operator, with which parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import attrs

from clantune_neuro.errors import BlueprintError
from clantune_neuro.lineage.gene import FIRST_OPERATOR
from clantune_neuro.lineage.registry import BUILT_IN, find_operator

MOST = 256 - FIRST_OPERATOR
"""The largest number of operators of a blueprint."""


@attrs.frozen
class Entry:
    """One operator of a blueprint.

    Attributes:
        name: Name of the operator.
        parameters: Pairs of the name and the value of each of its parameters.
    """

    name: str
    parameters: tuple[tuple[str, int], ...] = ()

    def parameter(self, name: str) -> int:
        """Return the value of a parameter."""
        return dict(self.parameters)[name]


def table(
    operators: Iterable[str] | Mapping[str, Mapping[str, int]] | None, *, has_bank: bool
) -> tuple[Entry, ...]:
    """Return the table of the given operators, in their order.

    Args:
        operators: Names; or names with the parameters that differ from their defaults. None stands
            for every operator of this package that suits the network.
        has_bank: Whether the network has a bank of rows.

    Raises:
        BlueprintError: There are too many, or a parameter is unknown.
        OperatorError: An operator is unknown.
    """
    if operators is None:
        operators = [name for name, home in BUILT_IN.items() if has_bank or home != "rows"]
    given = operators if isinstance(operators, Mapping) else {name: {} for name in operators}
    _require_count(len(given))
    return tuple(_entry(name, changed) for name, changed in given.items())


def require_table(entries: Sequence[Entry]) -> None:
    """Check a table that may come from a document.

    Raises:
        BlueprintError: It is too long, has an operator twice, or an operator has other parameters
            than it takes.
        OperatorError: An operator is unknown.
    """
    _require_count(len(entries))
    counts = Counter(entry.name for entry in entries)
    for entry in entries:
        if counts[entry.name] > 1:
            raise BlueprintError(f"the table of operators has {entry.name!r} more than once")
        names = [name for name, _ in entry.parameters]
        taken = sorted(find_operator(entry.name).parameters)
        if names != taken:
            raise BlueprintError(
                f"the operator {entry.name!r} takes the parameters {taken}, in this order; got "
                f"{names}"
            )


def _require_count(number: int) -> None:
    if number > MOST:
        raise BlueprintError(f"a blueprint has at most {MOST} operators; got {number}")


def _entry(name: str, changed: Mapping[str, int]) -> Entry:
    defaults = find_operator(name).parameters
    if unknown := sorted(changed.keys() - defaults.keys()):
        raise BlueprintError(
            f"the operator {name!r} has no parameter {unknown[0]!r}; it has {sorted(defaults)}"
        )
    for parameter, number in changed.items():
        if isinstance(number, bool) or not isinstance(number, int):
            raise BlueprintError(
                f"the parameter {parameter!r} of the operator {name!r} must be an integer; got "
                f"{number!r}"
            )
    return Entry(name, tuple(sorted({**defaults, **changed}.items())))
