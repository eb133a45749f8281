"""What presets share: one gene for the values at several paths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from clantune_core import AbstractAllele, ClanTuneError, ContinuousAllele
from clantune_core.contracts import Expressed, Role, offsets


class Trait(NamedTuple):
    """A gene before it has a value.

    Attributes:
        kind: Kind of its allele.
        low: Where its domain begins, unless a value that is bound is smaller.
        high: Where its domain ends, unless a value that is bound is larger.
        reach: How many times the domain goes beyond the values that are bound, at most.
        evolves: Whether it mutates and crossbreeds.
        role: For a gene that the clan treats specially.
    """

    kind: type[ContinuousAllele]
    low: float
    high: float
    reach: float = math.inf
    evolves: bool = True
    role: Role | None = None

    def bind(self, values: Mapping[str, float]) -> AbstractAllele | None:
        """Return one gene for the values at some paths, or None if its kind can hold none of them.

        It has the first value that its kind can hold, and the others keep their distance from it.
        Where the kind cannot hold a value, such as a weight decay of 0, it stays as it is.
        """
        lowest, highest = self.kind.widest
        held = {path: value for path, value in values.items() if lowest <= value <= highest}
        if not held:
            return None
        allele = self.kind(
            next(iter(held.values())),
            self._domain(min(held.values()), max(held.values())),
            can_mutate=self.evolves,
            can_crossbreed=self.evolves,
        )
        return Expressed(offsets(allele, held), role=self.role).added_to(allele)

    def _domain(self, smallest: float, largest: float) -> tuple[float, float]:
        # Around all values, not the gene's alone, so that the domain cuts off none of them.
        low, high = max(self.low, smallest / self.reach), min(self.high, largest * self.reach)
        return min(low, smallest), max(high, largest)


def as_number(value: object, preset: str, path: str) -> float:
    """Return a value that a gene is to have, which may be a tensor of one element.

    Raises:
        ClanTuneError: It is no number, or not finite.
    """
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        number = math.nan
    if math.isfinite(number):
        return number
    raise ClanTuneError(f"{preset}: {path} is {value!r}; a gene needs one finite number there")
