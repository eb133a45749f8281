"""Selection: choose the parents of an offspring."""

from clantune_strategies.selection.distributions import Boltzmann, Everyone, Proportional, Rank
from clantune_strategies.selection.diversity import FitnessSharing, MateChoice
from clantune_strategies.selection.frequencies import Frequencies
from clantune_strategies.selection.lineage import ImprovementRate, Smoothed
from clantune_strategies.selection.pairs import Pairs
from clantune_strategies.selection.retention import KeepBest, Significant
from clantune_strategies.selection.subsets import LocalOnly, TopN
from clantune_strategies.selection.tournament import Tournament
from clantune_strategies.selection.truncation import ThriveSurviveDie, Truncation

__all__ = [
    "Boltzmann",
    "Everyone",
    "FitnessSharing",
    "Frequencies",
    "ImprovementRate",
    "KeepBest",
    "LocalOnly",
    "MateChoice",
    "Pairs",
    "Proportional",
    "Rank",
    "Significant",
    "Smoothed",
    "ThriveSurviveDie",
    "TopN",
    "Tournament",
    "Truncation",
]
