"""One member: its state, the expression of its genome, and one round of its training."""

from clantune_clan.member.average import WeightAverage
from clantune_clan.member.construction import build_state
from clantune_clan.member.expression import Expression, GenomeExpression
from clantune_clan.member.individual import Individual
from clantune_clan.member.optimizers import Optimizers
from clantune_clan.member.state import State
from clantune_clan.member.training_state import TrainingState

__all__ = [
    "Expression",
    "GenomeExpression",
    "Individual",
    "Optimizers",
    "State",
    "TrainingState",
    "WeightAverage",
    "build_state",
]
