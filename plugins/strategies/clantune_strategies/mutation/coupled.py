"""Coupled: one gene follows another by a formula."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    Context,
    ContinuousAllele,
    Genome,
)
from clantune_strategies._latent import clip_to_finite
from clantune_strategies.checks import number_field, strategy_error

_error = partial(strategy_error, "Coupled")


def _to_pair(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else value


def _check_pair(_: object, field: attrs.Attribute[Any], at: Any) -> None:
    if not isinstance(at, tuple) or len(at) != 2 or not all(map(_is_positive, at)):
        raise _error(
            f"{field.name} must be (value of the leader, value of the follower), both above 0; "
            f"got {at!r}"
        )


def _is_positive(value: object) -> bool:
    return type(value) in (int, float) and 0.0 < value <= sys.float_info.max  # type: ignore[operator]


@attrs.frozen
class Coupled(AbstractMutationStrategy):
    """Sets one gene to a power of another: at[1] * (leader / at[0]) ** power.

    Use it for genes that a known rule connects, such as lr and batch size (power 1 or 0.5). The
    search then has one dimension less. List it last, because a later change of the follower breaks
    the rule. The leader must come before the follower in the genome. Both must be continuous. A
    result outside the follower's domain is clipped, and an `IntAllele` is rounded.

    Attributes:
        leader: Name of the gene that mutates freely; its domain must start at 0 or above.
        follower: Name of the gene that the formula sets.
        power: The exponent, of either sign.
        at: A value of the leader and the follower's value that belongs to it, both above 0.
    """

    leader: str
    follower: str
    power: float = number_field(1.0, -math.inf)
    at: tuple[float, float] = attrs.field(kw_only=True, converter=_to_pair, validator=_check_pair)

    def __attrs_post_init__(self) -> None:
        if self.leader == self.follower:
            raise _error(f"leader and follower must be two genes; got {self.leader!r} twice")

    def handle_mutating(
        self,
        allele: AbstractAllele,
        offspring_alleles: Mapping[str, AbstractAllele],
        context: Context,
        my_genome: Genome,
    ) -> AbstractAllele:
        """Set the follower."""
        if context.path or context.gene not in (self.follower, *context.genes[:1]):
            return allele
        self._check(my_genome)  # at the first gene too, because the follower may not exist
        if context.gene != self.follower:
            return allele
        return allele.with_value(self._follow(offspring_alleles[self.leader].value))

    def _follow(self, leader: float) -> float:
        try:
            return clip_to_finite(self.at[1] * (leader / self.at[0]) ** self.power)
        except (OverflowError, ZeroDivisionError):
            return sys.float_info.max

    def _check(self, genome: Genome) -> None:
        leader, follower = self._gene(self.leader, genome), self._gene(self.follower, genome)
        genes = [*genome.alleles]
        if genes.index(self.follower) < genes.index(self.leader):
            raise _error(
                f"gene {self.follower!r} comes before its leader {self.leader!r} in the genome and "
                "so mutates first; add it to the genome after the leader"
            )
        if not follower.can_mutate:
            raise _error(
                f"gene {self.follower!r} cannot follow {self.leader!r}, because it has "
                "can_mutate=False; remove that flag"
            )
        if leader.domain.min < 0:
            raise _error(
                f"the domain {leader.domain} of gene {self.leader!r} includes numbers below 0, for "
                "which the formula is undefined; give the leader a domain that starts at 0 or above"
            )

    def _gene(self, name: str, genome: Genome) -> ContinuousAllele:
        allele = genome.alleles.get(name)
        if allele is None:
            raise _error(f"the genome has no gene {name!r}; its genes are {[*genome.alleles]}")
        if not isinstance(allele, ContinuousAllele):
            raise _error(
                f"gene {name!r} is a {type(allele).__name__}; couple two genes of continuous kinds"
            )
        return allele
