"""Parameters as Optuna has them: a distribution for each, and its own form of the values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from clantune_core import AbstractAllele, DiscreteAllele, LogFloatAllele, LogitFloatAllele
from clantune_store.database.canonical import canonical
from clantune_store.exchange.selecting import Selection
from clantune_store.extras import extra
from clantune_store.space.space import Space
from clantune_store.space.suffixes import suffix_of


@attrs.frozen
class Dimension:
    """A parameter that varies.

    Attributes:
        distribution: Distribution of Optuna that holds all values.
        in_json: Whether a value goes out as its JSON text.
    """

    distribution: Any
    in_json: bool = False

    def encode(self, value: Any) -> Any:
        """Return a stored value as Optuna has it."""
        return canonical(value) if self.in_json else value

    def decode(self, value: Any) -> Any:
        """Return a value of Optuna as a store has it."""
        return json.loads(value) if self.in_json else value


def dimensions(selection: Selection, spaces: Iterable[Space]) -> dict[str, Dimension]:
    """Return the parameters that vary, by full name.

    A domain is that of all spaces together, and of what was seen: an open end is the outermost
    value that was seen.
    """
    seen: dict[str, list[Any]] = {name: [] for name in selection.parameters}
    for values in selection.values.values():
        for name, value in values.items():
            seen[name].append(value)
    alleles: dict[str, list[AbstractAllele]] = {name: [] for name in seen}
    for space in spaces:
        for name in space.parameters.keys() & seen.keys():
            alleles[name].append(space.parameters[name])
    found = {name: dimension(name, alleles[name], seen[name]) for name in seen}
    return {name: each for name, each in found.items() if each is not None}


def dimension(
    name: str, alleles: Sequence[AbstractAllele], seen: Sequence[Any]
) -> Dimension | None:
    """Return a parameter as Optuna has it; None if only one value is possible.

    Args:
        name: Full name.
        alleles: Its alleles in the spaces that have it.
        seen: Its stored values.
    """
    optuna = extra("optuna", "optuna").distributions
    options = _options(name, alleles, seen)
    if options is not None:
        in_json = not all(isinstance(option, str | bool) for option in options)
        choices = [canonical(option) if in_json else option for option in options]
        made = optuna.CategoricalDistribution(choices) if len(choices) > 1 else None
        return made and Dimension(made, in_json)
    ends = [*seen, *(end for allele in alleles for end in known_ends(allele))]
    low, high = min(ends), max(ends)
    if low == high:
        return None
    if all(isinstance(value, int) for value in seen):
        return Dimension(optuna.IntDistribution(math.ceil(low), math.floor(high)))
    log = bool(alleles) and all(isinstance(allele, LogFloatAllele) for allele in alleles)
    return Dimension(optuna.FloatDistribution(float(low), float(high), log=log))


def _options(name: str, alleles: Iterable[AbstractAllele], seen: Sequence[Any]) -> list[Any] | None:
    """Return all options, those of the spaces first; None for a number."""
    discrete = [allele for allele in alleles if isinstance(allele, DiscreteAllele)]
    coded = suffix_of(name).coded
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in seen)
    if numbers and not discrete and not coded:
        return None
    held = [option for allele in discrete for option in allele.choices]
    options = [json.loads(option) if coded else option for option in held]
    if all(isinstance(value, bool) for value in seen) and not coded:
        options = [False, True]
    by_text = {canonical(option): option for option in (*options, *seen)}
    return [*by_text.values()]


def known_ends(allele: Any) -> list[Any]:
    """Return the ends of the domain of a number that are not open."""
    pairs = zip(allele.domain, allele.widest, strict=True)
    return [end for end, widest in pairs if end != widest or isinstance(allele, LogitFloatAllele)]


def encoded(values: Mapping[str, Any], known: Mapping[str, Dimension]) -> dict[str, Any]:
    """Return the values of the parameters that vary, as Optuna has them."""
    return {name: known[name].encode(value) for name, value in values.items() if name in known}
