"""Lethal: reject values that are known to make a run fail."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, TypeGuard

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    Context,
    ContinuousAllele,
    DiscreteAllele,
    Genome,
)
from clantune_strategies.checks import integer_field, mutation_field, strategy_error
from clantune_strategies.wrappers import MutationWrapper

Region = tuple[bool | int | float | str, ...]
"""Viable values: (lowest, highest) of a continuous gene, or the choices of a discrete one."""

_error = partial(strategy_error, "Lethal")


def _to_regions(value: Any) -> Any:
    """Return the regions as a tuple of pairs, which can be compared, saved and sent."""
    pairs = value.items() if isinstance(value, Mapping) else value
    try:
        return tuple((gene, _to_region(region)) for gene, region in pairs)
    except (TypeError, ValueError):
        raise _error(
            f"regions must map gene names to (low, high) or to choices; got {value!r}"
        ) from None


def _to_region(value: Any) -> Region:
    if isinstance(value, str) or not (region := tuple(value)):
        raise ValueError(value)
    return region


@attrs.frozen
class Lethal(MutationWrapper):
    """Repeats the mutation of a gene until its value is viable.

    Use it if a part of the domain is known to make a run fail. If no try gives a viable value, the
    gene keeps its value, or takes the nearest viable value if its own is not viable. Handles every
    kind. Alleles in metadata mutate once, as usual. A mutation that draws only from `draw` gives
    the same value in every try.

    Attributes:
        strategy: The other mutation.
        regions: Viable values by gene, such as `{"lr": (1e-5, 1e-2), "schedule": ["cosine"]}`.
        tries: Largest number of mutations of a gene, 1 or more.
    """

    strategy: AbstractMutationStrategy = mutation_field()
    regions: tuple[tuple[str, Region], ...] = attrs.field(default=(), converter=_to_regions)
    tries: int = integer_field(20)

    def handle_mutating(
        self, allele: AbstractAllele, context: Context, my_genome: Genome, **arguments: Any
    ) -> AbstractAllele:
        """Mutate until the value is viable."""
        arguments = self.with_own_shared_rng(arguments)
        arguments |= {"context": context, "my_genome": my_genome}
        viable = None
        for gene, region in self.regions:
            if gene not in my_genome.alleles:
                raise _error(
                    f"the genome has no gene {gene!r}; its genes are {[*my_genome.alleles]}"
                )
            if gene == context.gene and context.is_hyperparameter:
                viable = _viable(allele, region, gene)
        if viable is None:
            return self.inner_mutate(allele, **arguments)
        for _ in range(self.tries):
            mutated = self.inner_mutate(allele, **arguments)
            if _contains(viable, mutated):
                return mutated
        return allele if _contains(viable, allele) else _nearest(viable, allele)


def _viable(allele: AbstractAllele, region: Region, gene: str) -> Region:
    """Return the part of a region that lies in the domain of its gene."""
    if not isinstance(allele, ContinuousAllele):
        if unknown := [choice for choice in region if choice not in allele.domain]:
            raise _error(
                f"{unknown[0]!r} is not a choice of gene {gene!r}; its choices are "
                f"{[*allele.domain]}"
            )
        return region
    if len(region) != 2 or not all(map(_is_finite, region)):
        raise _error(f"the region of gene {gene!r} must be two numbers (low, high); got {region}")
    (low, high), domain = region, allele.domain
    low, high = max(low, domain.min), min(high, domain.max)
    if low > high or not any(_contains((low, high), end) for end in _inwards(allele, low, high)):
        raise _error(f"the domain {domain} of gene {gene!r} has no value in its region {region}")
    return low, high


def _inwards(allele: AbstractAllele, end: float, other: float) -> Iterator[AbstractAllele]:
    """Yield the allele at one end of a region, then at places nearer to the other end.

    A kind that rounds may leave the region at its end; further inside, it does not.
    """
    for share in (0.0, *(2.0**power for power in range(-20, 1))):
        yield allele.with_value(end * (1.0 - share) + other * share)


def _is_finite(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _contains(viable: Region, allele: AbstractAllele) -> bool:
    if isinstance(allele, ContinuousAllele):
        return bool(viable[0] <= allele.value <= viable[1])
    return allele.value in viable


def _nearest(viable: Region, allele: AbstractAllele) -> AbstractAllele:
    if not isinstance(allele, DiscreteAllele):
        low, high = map(float, viable)
        ends = (low, high) if allele.value < low else (high, low)
        return next(end for end in _inwards(allele, *ends) if _contains(viable, end))
    index = allele.choices.index
    here = index(allele.value)
    return allele.with_value(min(viable, key=lambda choice: abs(index(choice) - here)))
