"""Designed experiments: place members around a centre and estimate the effect of each gene."""

from clantune_strategies.designs.effects import MainEffects
from clantune_strategies.designs.hadamard import design
from clantune_strategies.designs.placement import Spread, TwoLevel

__all__ = ["MainEffects", "Spread", "TwoLevel", "design"]
