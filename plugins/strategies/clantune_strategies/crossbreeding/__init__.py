"""Crossbreeding: combine the alleles of the parents into one."""

from clantune_strategies.crossbreeding.average import Average
from clantune_strategies.crossbreeding.learn import Learn
from clantune_strategies.crossbreeding.one_parent import Dominant, PerGene, PerGenome
from clantune_strategies.crossbreeding.two_parents import SBX, Blend

__all__ = ["SBX", "Average", "Blend", "Dominant", "Learn", "PerGene", "PerGenome"]
