"""Base classes for strategies that wrap another strategy."""

from clantune_strategies.wrappers.mutation import MutationWrapper
from clantune_strategies.wrappers.selection import (
    FitnessWrapper,
    SelectionWrapper,
    SubsetWrapper,
    stores_genome_memory,
)
from clantune_strategies.wrappers.streams import with_own_shared_rng

__all__ = [
    "FitnessWrapper",
    "MutationWrapper",
    "SelectionWrapper",
    "SubsetWrapper",
    "stores_genome_memory",
    "with_own_shared_rng",
]
