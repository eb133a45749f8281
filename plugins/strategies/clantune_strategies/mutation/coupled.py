"""Coupled: one gene follows another by a rule."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    Context,
    ContinuousAllele,
    Genome,
    StrategyError,
)
from clantune_strategies._checks import number
from clantune_strategies._latent import finite


def _to_pair(given: Any) -> Any:
    return tuple(given) if isinstance(given, list | tuple) else given


def _check_pair(_: object, field: attrs.Attribute[Any], at: Any) -> None:
    if not isinstance(at, tuple) or len(at) != 2 or not all(map(_is_positive, at)):
        raise _refusal(
            f"{field.name} is (value of the leader, value of the follower), both above 0; "
            f"got {at!r}"
        )


def _is_positive(given: object) -> bool:
    return type(given) in (int, float) and 0.0 < given <= sys.float_info.max  # type: ignore[operator]


@attrs.frozen
class Coupled(AbstractMutationStrategy):
    """Makes one gene a power of another: at[1] * (leader / at[0]) ** power.

    Use it for genes that a rule ties together, such as lr and batch size (power 1 or 0.5), so that
    the search has one dimension less. List it last: what changes the follower behind it undoes the
    rule. The leader stands before the follower in the genome. Both are continuous; a follower
    whose rule leads out of its domain stops at the end, and an `IntAllele` is rounded.

    Attributes:
        leader: Name of the gene that goes its own way; its domain begins at 0 or above.
        follower: Name of the gene that is set by the rule.
        power: The exponent, of either sign.
        at: A value of the leader, and that of the follower which belongs to it, both above 0.
    """

    leader: str
    follower: str
    power: float = number(1.0, -sys.float_info.max)
    at: tuple[float, float] = attrs.field(kw_only=True, converter=_to_pair, validator=_check_pair)

    def __attrs_post_init__(self) -> None:
        if self.leader == self.follower:
            raise _refusal(f"leader and follower are two genes; got {self.leader!r} twice")

    def handle_mutating(
        self,
        allele: AbstractAllele,
        offspring_alleles: Mapping[str, AbstractAllele],
        context: Context,
        my_genome: Genome,
    ) -> AbstractAllele:
        """Follow, if this is the follower."""
        if context.path or context.gene not in (self.follower, *context.genes[:1]):
            return allele
        self._check(my_genome)  # with the first gene already: the follower may not even be there
        if context.gene != self.follower:
            return allele
        return allele.with_value(self._follow(offspring_alleles[self.leader].value))

    def _follow(self, leader: float) -> float:
        try:
            return finite(self.at[1] * (leader / self.at[0]) ** self.power)
        except (OverflowError, ZeroDivisionError):
            return sys.float_info.max

    def _check(self, genome: Genome) -> None:
        leader, follower = self._gene(self.leader, genome), self._gene(self.follower, genome)
        genes = [*genome.alleles]
        if genes.index(self.follower) < genes.index(self.leader):
            raise _refusal(
                f"gene {self.follower!r} stands before its leader {self.leader!r} and so mutates "
                "first; put it after the leader when making the genome"
            )
        if not follower.can_mutate:
            raise _refusal(
                f"gene {self.follower!r} may not mutate, and so cannot follow {self.leader!r}; "
                "leave out can_mutate=False"
            )
        if leader.domain.min < 0:
            raise _refusal(
                f"the domain {leader.domain} of gene {self.leader!r} goes below 0, where the rule "
                "has no value; give the leader a domain from 0 on"
            )

    def _gene(self, name: str, genome: Genome) -> ContinuousAllele:
        allele = genome.alleles.get(name)
        if allele is None:
            raise _refusal(f"there is no gene {name!r}; there is {[*genome.alleles]}")
        if not isinstance(allele, ContinuousAllele):
            raise _refusal(
                f"gene {name!r} is a {type(allele).__name__}; give two genes of continuous kinds"
            )
        return allele


def _refusal(problem: str) -> StrategyError:
    return StrategyError(f"Coupled: {problem}", strategy="Coupled")
