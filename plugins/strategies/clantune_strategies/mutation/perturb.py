"""Perturb: the step by which population based training explores."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    ContinuousAllele,
    DiscreteAllele,
    IntAllele,
    StrategyError,
)
from clantune_strategies._checks import number
from clantune_strategies._latent import finite, uniform


def _to_factors(given: Any) -> Any:
    return tuple(given) if isinstance(given, list | tuple) else given


def _check_factors(strategy: object, field: attrs.Attribute[Any], factors: Any) -> None:
    if not isinstance(factors, tuple) or not factors or not all(map(_is_factor, factors)):
        name = type(strategy).__name__
        raise StrategyError(
            f"{name}: {field.name} are numbers above 0, one or more; got {factors!r}", strategy=name
        )


def _is_factor(given: object) -> bool:
    return isinstance(given, int | float) and given is not True and 0.0 < given < math.inf


@attrs.frozen
class Perturb(AbstractMutationStrategy):
    """Multiplies the value by a factor drawn from a list, as PBT explores.

    Use it after a selection that copies the best. Continuous kinds are multiplied; an `IntAllele`
    with the real number behind it, so that small steps add up. Zero, which no factor moves, is
    drawn afresh instead, uniformly on the latent line of its domain; in a domain that is open on a
    side it stays. Discrete kinds move to a neighbouring choice, in the order of their domain.

    Attributes:
        factors: Each as likely as any other, above 0.
        chance: Probability that an allele mutates, 0 to 1.
    """

    factors: tuple[float, ...] = attrs.field(
        default=(0.8, 1.2), converter=_to_factors, validator=_check_factors
    )
    chance: float = number(1.0, 0.0, 1.0)

    def handle_mutating(self, allele: AbstractAllele, rng: Random) -> AbstractAllele:
        """Multiply, or go to a neighbour."""
        if rng.random() >= self.chance:
            return allele
        if isinstance(allele, DiscreteAllele):
            return _neighbour(allele, rng)
        if not isinstance(allele, ContinuousAllele):
            return allele
        if allele.value == 0:
            return uniform(allele, rng)
        held = allele.latent if isinstance(allele, IntAllele) else allele.value
        return allele.with_value(finite(held * rng.choice(self.factors)))


def _neighbour(allele: DiscreteAllele, rng: Random) -> DiscreteAllele:
    choices = allele.choices
    place = choices.index(allele.value)
    around = choices[max(place - 1, 0) : place] + choices[place + 1 : place + 2]
    return allele.with_value(rng.choice(around)) if around else allele
