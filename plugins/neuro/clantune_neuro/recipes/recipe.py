"""The class of recipes for lineages."""

from __future__ import annotations

import attrs

from clantune_strategies import Recipe


@attrs.frozen(repr=False)
class NeuroRecipe(Recipe):
    """A list of strategies for lineages.

    Attributes:
        population: Number of members that an `Evolve` breeds by default.
        strength: Strength of new genes at the beginning of a run.
        operators: Names of the operators of the blueprint, in order; None for those that suit the
            network.
    """

    population: int = attrs.field(kw_only=True)
    strength: float = attrs.field(kw_only=True)
    operators: tuple[str, ...] | None = attrs.field(default=None, kw_only=True)
