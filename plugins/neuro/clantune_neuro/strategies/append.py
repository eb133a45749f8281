"""Append: one new gene for each offspring."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from random import Random
from typing import Any

import attrs

from clantune_core import AbstractAllele, AbstractMutationStrategy, Context
from clantune_neuro.lineage.blueprint import Blueprint, LineageAllele
from clantune_neuro.lineage.gene import Gene
from clantune_neuro.strategies.strength import new_strength
from clantune_strategies.checks import strategy_error

Weights = tuple[tuple[str, float], ...]
"""Names of operators, each with its weight in a draw."""


def _to_weights(operator: Any) -> Any:
    """Return one name, or a mapping of names to weights, as pairs that can be compared and sent."""
    if isinstance(operator, str):
        return ((operator, 1.0),)
    if isinstance(operator, list | tuple):
        return tuple(tuple(pair) if isinstance(pair, list) else pair for pair in operator)
    return tuple(operator.items()) if isinstance(operator, Mapping) else operator


def _check_weights(_: object, __: object, weights: Any) -> None:
    if not isinstance(weights, tuple) or not weights or not all(map(_is_weight, weights)):
        raise strategy_error(
            "Append",
            "operator must be the name of an operator, or map names to weights above 0, such as "
            f'{{"duplicate": 0.5, "fresh": 0.5}}; got {weights!r}',
        )


def _is_weight(pair: Any) -> bool:
    if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[0], str):
        return False
    weight = pair[1]
    return isinstance(weight, int | float) and weight is not True and 0.0 < weight < math.inf


def _to_arguments(arguments: Any) -> Any:
    return tuple(arguments) if isinstance(arguments, list | range) else arguments


def _check_arguments(_: object, __: object, arguments: Any) -> None:
    listed = isinstance(arguments, tuple) and len(arguments) > 0
    if arguments is not None and not (listed and all(type(each) is int for each in arguments)):
        raise strategy_error(
            "Append",
            f"arguments must be one or more integers in a list, or None; got {arguments!r}",
        )


@attrs.frozen
class Append(AbstractMutationStrategy):
    """Appends one gene to a lineage, with a new seed.

    The gene has the strength in the lineage's metadata, `neuro/strength`. Strategies that change
    numbers, such as `Gaussian` and `Perturb`, change it before the gene is made, wherever they are
    in the list. Other kinds stay as they are.

    Attributes:
        operator: Name of the operator; or names with weights above 0, of which each offspring draws
            one.
        arguments: The arguments that a gene may have; each offspring draws one. None stands for
            all that the operator takes.
    """

    operator: Weights = attrs.field(converter=_to_weights, validator=_check_weights)
    arguments: tuple[int, ...] | None = attrs.field(
        default=None, converter=_to_arguments, validator=_check_arguments, kw_only=True
    )

    def handle_mutating(
        self, allele: AbstractAllele, context: Context, rng: Random
    ) -> AbstractAllele:
        """Append a gene."""
        if not isinstance(allele, LineageAllele):
            return allele
        strength = new_strength(allele, self, context)
        names, weights = zip(*self.operator, strict=True)
        name = names[0] if len(names) == 1 else rng.choices(names, weights)[0]
        number, arguments = _genes(allele.domain, name, self.arguments)
        argument = arguments[0] if len(arguments) == 1 else rng.choice(arguments)
        return allele.append(Gene(number, argument, strength, rng.getrandbits(64)))


@functools.lru_cache(maxsize=256)  # an operator lists up to 256 arguments, for every offspring
def _genes(
    blueprint: Blueprint, name: str, arguments: tuple[int, ...] | None
) -> tuple[int, tuple[int, ...]]:
    """Return the number of an operator, and the arguments that a gene may have."""
    number = blueprint.number_of(name)
    taken = tuple(blueprint.operator(number).arguments(blueprint))
    if not taken:
        raise strategy_error("Append", f"the operator {name!r} takes no argument in {blueprint!r}")
    for argument in arguments or ():
        if argument not in taken:
            shown = ", ".join(map(str, taken[:8])) + (", ..." if len(taken) > 8 else "")
            raise strategy_error(
                "Append",
                f"the operator {name!r} does not take the argument {argument}; it takes {shown}",
            )
    return number, taken if arguments is None else arguments
