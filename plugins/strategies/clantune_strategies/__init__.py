"""Strategies for ClanTune: selection, crossbreeding, mutation, and whole published methods."""

from clantune_strategies.crossbreeding import Dominant, PerGene, PerGenome
from clantune_strategies.mutation import Cauchy, Gaussian
from clantune_strategies.selection import Tournament

__all__ = ["Cauchy", "Dominant", "Gaussian", "PerGene", "PerGenome", "Tournament"]
