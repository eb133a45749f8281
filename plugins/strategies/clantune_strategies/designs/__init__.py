"""A round as a designed experiment: where members stand, and what that tells about each gene."""

from clantune_strategies.designs.effects import MainEffects
from clantune_strategies.designs.hadamard import design
from clantune_strategies.designs.placing import Spread, TwoLevel

__all__ = ["MainEffects", "Spread", "TwoLevel", "design"]
