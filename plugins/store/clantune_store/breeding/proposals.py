"""Parameters as a sampler proposes them: a closed range, or a choice, for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from clantune_core import AbstractAllele, DiscreteAllele, LogFloatAllele, RoundedAllele
from clantune_store.exchange.distributions import known_ends
from clantune_store.extras import extra
from clantune_store.space.space import Space
from clantune_store.space.suffixes import suffix_of

REACH = 1.0
"""How far beyond the values that are known a sampler may go at an open end, on the latent line."""


@attrs.frozen
class Knob:
    """A parameter that varies.

    Attributes:
        distribution: Distribution of Optuna.
        encode: Returns what Optuna gets for a stored value.
        decode: Returns the value for a proposal; the space fits it.
    """

    distribution: Any
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def knobs(space: Space, values: Iterable[Mapping[str, Any]]) -> dict[str, Knob]:
    """Return the parameters of a space that can vary, by full name.

    A sampler needs ends. A domain with an open end is searched on the latent line of its allele,
    from the outermost value that is known and a little beyond it.

    Args:
        space: Space of the proposals.
        values: Values that are known, each fitted to the space.
    """
    seen = [*values, space.values]
    found = {
        name: _knob(name, allele, [each[name] for each in seen])
        for name, allele in space.parameters.items()
    }
    return {name: knob for name, knob in found.items() if knob is not None}


def _knob(name: str, allele: AbstractAllele, seen: Sequence[Any]) -> Knob | None:
    optuna = extra("optuna", "optuna").distributions
    if isinstance(allele, DiscreteAllele):
        suffix = suffix_of(name)
        options = [suffix.stored(allele.with_value(choice)) for choice in allele.choices]
        texts = [str(suffix.held(option)) for option in options]
        if len(options) < 2:
            return None
        by_text = dict(zip(texts, options, strict=True))
        made = optuna.CategoricalDistribution(texts)
        return Knob(made, lambda value: str(suffix.held(value)), by_text.__getitem__)
    number: Any = allele
    low, high = number.domain
    if low == high:
        return None
    if len(known_ends(number)) < 2:
        return _on_latent_line(number, seen)
    if isinstance(number, RoundedAllele):
        return Knob(optuna.IntDistribution(int(low), int(high)), int, int)
    log = isinstance(number, LogFloatAllele)
    return Knob(optuna.FloatDistribution(float(low), float(high), log=log), float, float)


def _on_latent_line(allele: Any, seen: Sequence[Any]) -> Knob:
    places = [allele.to_latent(value) for value in seen]
    reach = max(REACH, (max(places) - min(places)) / 2)
    low, high = min(places) - reach, max(places) + reach
    (least, most), (widest_least, widest_most) = allele.domain, allele.widest
    low = max(low, allele.to_latent(least)) if least != widest_least else low
    high = min(high, allele.to_latent(most)) if most != widest_most else high

    def decode(latent: float) -> Any:
        value = allele.from_latent(latent)
        return allele.round_number(value) if isinstance(allele, RoundedAllele) else value

    distribution = extra("optuna", "optuna").distributions.FloatDistribution(low, high)
    return Knob(distribution, allele.to_latent, decode)
