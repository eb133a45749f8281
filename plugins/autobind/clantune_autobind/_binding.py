"""Bind one gene to the values at one or several paths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from clantune_core import AbstractAllele, ClanTuneError, ContinuousAllele
from clantune_core.contracts import Expressed, Role, offsets


class Trait(NamedTuple):
    """A gene without a value: its kind, and the rules for its domain.

    Attributes:
        kind: Kind of the allele.
        low: Lower end of the domain, unless a bound value is smaller.
        high: Upper end of the domain, unless a bound value is larger.
        reach: Largest factor between a bound value and an end of the domain.
        evolves: Whether the gene mutates and crossbreeds.
        role: Role in the clan, None for most genes.
    """

    kind: type[ContinuousAllele]
    low: float
    high: float
    reach: float = math.inf
    evolves: bool = True
    role: Role | None = None

    def bind(self, values: Mapping[str, float]) -> AbstractAllele | None:
        """Return one gene for the values at several paths, or None if no value fits its kind.

        The gene gets the first value that fits, and each other path keeps its offset from it. A
        value that does not fit the kind, such as a weight decay of 0 on a logarithmic scale, is
        left unbound and stays as it is.
        """
        lowest, highest = self.kind.widest
        fitting = {path: value for path, value in values.items() if lowest <= value <= highest}
        if not fitting:
            return None
        allele = self.kind(
            next(iter(fitting.values())),
            self._domain(min(fitting.values()), max(fitting.values())),
            can_mutate=self.evolves,
            can_crossbreed=self.evolves,
        )
        return Expressed(offsets(allele, fitting), role=self.role).added_to(allele)

    def _domain(self, smallest: float, largest: float) -> tuple[float, float]:
        # It covers the values at all paths, so that none of them is clipped.
        low, high = max(self.low, smallest / self.reach), min(self.high, largest * self.reach)
        return min(low, smallest), max(high, largest)


def as_number(value: object, preset: str, path: str) -> float:
    """Return a value for a gene as a float; it may be a tensor of one element.

    Raises:
        ClanTuneError: The value is not one finite number.
    """
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        number = math.nan
    if math.isfinite(number):
        return number
    raise ClanTuneError(f"{preset}: {path} is {value!r}; a gene needs one finite number")
