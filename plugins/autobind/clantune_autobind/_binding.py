"""What presets share: a gene for the values at some paths, and the entry that says where they are.

The clan reads nothing of a preset but the alleles and their metadata: presets of other packages
write the same entry.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from clantune_core import AbstractAllele, ClanTuneError, ContinuousAllele

Role = Literal["gradient_accumulation", "data_path"]


def expression(
    path: Mapping[str, float],
    *,
    is_cooperative: bool = True,
    is_competitive: bool = True,
    is_patchable: bool = True,
    role: Role | None = None,
) -> dict[str, Any]:
    """Return the entry `"expression"` of a gene's metadata: where and when it is expressed.

    Args:
        path: For each path how far its value lies from the gene on the gene's latent line.
        is_cooperative: Whether members use their own value while they cooperate, not the clan's
            mean.
        is_competitive: Whether they do while they compete.
        is_patchable: Whether it is written into the objects at its paths; else it is only read.
        role: For a gene that the clan treats specially.
    """
    return {
        "path": dict(path),
        "is_cooperative": is_cooperative,
        "is_competitive": is_competitive,
        "is_patchable": is_patchable,
        "role": role,
    }


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
        path = {path: allele.to_latent(value) - allele.latent for path, value in held.items()}
        return allele.with_metadata(expression=expression(path, role=self.role))

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
