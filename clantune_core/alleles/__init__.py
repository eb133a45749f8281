"""The kinds of alleles. A kind is a family (continuous or discrete), a type and a domain.

Every continuous kind has a latent line of real numbers. A strategy that adds noise to `latent`
works for all continuous kinds, including those of third parties. Discrete kinds have `choices`.
"""

from clantune_core.alleles.base import AbstractAllele
from clantune_core.alleles.continuous import ContinuousAllele, Range
from clantune_core.alleles.discrete import BoolAllele, DiscreteAllele, StringAllele
from clantune_core.alleles.kinds import allele_kind, registered_kinds
from clantune_core.alleles.metadata import NO_METADATA, Metadata
from clantune_core.alleles.numbers import FloatAllele, IntAllele, LogFloatAllele, LogitFloatAllele
from clantune_core.alleles.rounded import RoundedAllele

__all__ = [
    "NO_METADATA",
    "AbstractAllele",
    "BoolAllele",
    "ContinuousAllele",
    "DiscreteAllele",
    "FloatAllele",
    "IntAllele",
    "LogFloatAllele",
    "LogitFloatAllele",
    "Metadata",
    "Range",
    "RoundedAllele",
    "StringAllele",
    "allele_kind",
    "registered_kinds",
]
