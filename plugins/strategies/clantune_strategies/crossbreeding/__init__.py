"""How the alleles of the parents become one."""

from clantune_strategies.crossbreeding.one_parent import Dominant, PerGene, PerGenome

__all__ = ["Dominant", "PerGene", "PerGenome"]
