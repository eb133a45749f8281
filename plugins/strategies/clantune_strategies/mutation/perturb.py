"""Perturb: the explore step of population based training."""

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
)
from clantune_strategies._latent import clip_to_finite, draw_uniform
from clantune_strategies.checks import number_field, strategy_error


def _to_tuple(factors: Any) -> Any:
    return tuple(factors) if isinstance(factors, list | tuple) else factors


def _check_factors(strategy: object, field: attrs.Attribute[Any], factors: Any) -> None:
    if not isinstance(factors, tuple) or not factors or not all(map(_is_factor, factors)):
        raise strategy_error(
            type(strategy).__name__,
            f"{field.name} must be one or more numbers above 0; got {factors!r}",
        )


def _is_factor(value: object) -> bool:
    return isinstance(value, int | float) and value is not True and 0.0 < value < math.inf


@attrs.frozen
class Perturb(AbstractMutationStrategy):
    """Multiplies a value by a factor drawn from a list, as PBT explores.

    Use it after a selection that copies the best. Continuous kinds are multiplied; for kinds
    that round, such as `IntAllele`, the factor applies to the number before rounding, so small
    steps add up. No factor changes 0, so a value of 0 is drawn anew, uniformly on the latent line
    of its domain; if the domain is open on one side, it stays 0. Discrete kinds move to a
    neighbouring choice in the order of their domain.

    Attributes:
        factors: Factors above 0, each with equal probability.
        chance: Probability that an allele mutates, 0 to 1.
    """

    factors: tuple[float, ...] = attrs.field(
        default=(0.8, 1.2), converter=_to_tuple, validator=_check_factors
    )
    chance: float = number_field(1.0, 0.0, 1.0)

    def handle_mutating(self, allele: AbstractAllele, rng: Random) -> AbstractAllele:
        """Multiply the value, or move to a neighbouring choice."""
        if rng.random() >= self.chance:
            return allele
        if isinstance(allele, DiscreteAllele):
            return _neighbour(allele, rng)
        if not isinstance(allele, ContinuousAllele):
            return allele
        if allele.value == 0:
            return draw_uniform(allele, rng)
        return allele.with_value(clip_to_finite(allele.unrounded * rng.choice(self.factors)))


def _neighbour(allele: DiscreteAllele, rng: Random) -> DiscreteAllele:
    choices = allele.choices
    index = choices.index(allele.value)
    neighbours = choices[max(index - 1, 0) : index] + choices[index + 1 : index + 2]
    return allele.with_value(rng.choice(neighbours)) if neighbours else allele
