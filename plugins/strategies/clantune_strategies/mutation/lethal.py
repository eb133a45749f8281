"""Lethal: values that no offspring may have, found out before they cost anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeGuard

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    Context,
    ContinuousAllele,
    DiscreteAllele,
    Genome,
    IntAllele,
    StrategyError,
)
from clantune_strategies._checks import number
from clantune_strategies._wrapper import MutationWrapper, held_mutation

Region = tuple[bool | int | float | str, ...]
"""Viable values: the lowest and the highest of a continuous gene, the choices of a discrete one."""


def _to_regions(given: Any) -> Any:
    """Return the regions as pairs, which are compared, saved and sent as they are."""
    pairs = given.items() if isinstance(given, Mapping) else given
    try:
        return tuple((gene, _to_region(region)) for gene, region in pairs)
    except (TypeError, ValueError):
        raise _refusal(f"regions map genes to (low, high) or to choices; got {given!r}") from None


def _to_region(given: Any) -> Region:
    if isinstance(given, str) or not (region := tuple(given)):
        raise ValueError(given)
    return region


@attrs.frozen
class Lethal(MutationWrapper):
    """Repeats the mutation of a gene until its value is viable.

    Use it where a part of the domain is known to kill a run, given what else is fixed. If no try
    succeeds the gene stays as it was, or goes to the nearest viable value if it was not viable.
    Handles every kind; what is learned in metadata mutates once, as ever. An inner mutation that
    draws from `once` alone comes to the same value in every try.

    Attributes:
        strategy: The mutation inside.
        regions: Viable values by gene, as in `{"lr": (1e-5, 1e-2), "schedule": ["cosine"]}`.
        tries: How often a gene is mutated at most, 1 or more.
    """

    strategy: AbstractMutationStrategy = held_mutation()
    regions: tuple[tuple[str, Region], ...] = attrs.field(default=(), converter=_to_regions)
    tries: int = number(20, 1)

    def handle_mutating(
        self, allele: AbstractAllele, context: Context, my_genome: Genome, **offered: Any
    ) -> AbstractAllele:
        """Let the inner one mutate, again if need be."""
        offered = self._apart(offered) | {"context": context, "my_genome": my_genome}
        viable = None
        for gene, region in self.regions:
            if gene not in my_genome.alleles:
                raise _refusal(f"there is no gene {gene!r}; there is {[*my_genome.alleles]}")
            if gene == context.gene and context.is_hyperparameter:
                viable = _viable(allele, region, gene)
        if viable is None:
            return self._inner(allele, **offered)
        for _ in range(self.tries):
            after = self._inner(allele, **offered)
            if _holds(viable, after):
                return after
        return allele if _holds(viable, allele) else _nearest(viable, allele)


def _viable(allele: AbstractAllele, region: Region, gene: str) -> Region:
    """Return what of a region lies in the domain of its gene."""
    if not isinstance(allele, ContinuousAllele):
        if unknown := [choice for choice in region if choice not in allele.domain]:
            raise _refusal(f"{unknown[0]!r} is no choice of gene {gene!r}: {[*allele.domain]}")
        return region
    if len(region) != 2 or not all(map(_is_finite, region)):
        raise _refusal(f"the region of gene {gene!r} is (low, high), two numbers; got {region}")
    (low, high), domain = region, allele.domain
    low, high = max(low, domain.min), min(high, domain.max)
    if isinstance(allele, IntAllele):
        low, high = math.ceil(low), math.floor(high)
    if low > high:
        raise _refusal(f"no value of gene {gene!r}, {domain}, is in its region {region}")
    return low, high


def _is_finite(given: object) -> TypeGuard[float]:
    return isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given)


def _holds(viable: Region, allele: AbstractAllele) -> bool:
    if isinstance(allele, ContinuousAllele):
        return bool(viable[0] <= allele.value <= viable[1])
    return allele.value in viable


def _nearest(viable: Region, allele: AbstractAllele) -> AbstractAllele:
    if not isinstance(allele, DiscreteAllele):
        return allele.with_value(viable[0] if allele.value < viable[0] else viable[1])
    place = allele.choices.index
    here = place(allele.value)
    return allele.with_value(min(viable, key=lambda choice: abs(place(choice) - here)))


def _refusal(problem: str) -> StrategyError:
    return StrategyError(f"Lethal: {problem}", strategy="Lethal")
