"""Judging at the end of a round: what all ranks tell each other about their members."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import attrs

from clantune_clan.communication import Communication
from clantune_clan.member.individual import Individual
from clantune_clan.member.training_state import TrainingState
from clantune_clan.run.agreement import require_one_kind
from clantune_clan.run.fitness import (
    Judge,
    Losses,
    fitnesses_of,
    losses_of_member,
    losses_of_members,
    restoring,
)
from clantune_clan.run.learning_rate import LearningRate
from clantune_clan.run.schedulers import Schedulers
from clantune_clan.run.settings import Settings
from clantune_clan.run.witness import BatchWitness
from clantune_core import Genome, Population


@attrs.frozen
class Judging:
    """Judges the members. All ranks do this together.

    Attributes:
        state: State of this rank's member.
        communicator: Channel to the other ranks.
        settings: Settings of the run.
        schedulers: Schedulers that the user has handed in.
        witness: What the members have seen of the data.
    """

    state: TrainingState
    communicator: Communication
    settings: Settings
    schedulers: Schedulers
    witness: BatchWitness

    def run(
        self, result: float | Judge, member: Individual, learning_rate: LearningRate
    ) -> tuple[Population, dict[str, float]]:
        """Return the members' genomes with their fitness, and their mean learning rate by gene.

        Args:
            result: Loss or score of this rank's member, or the function that measures it.
            member: This rank's member.
            learning_rate: Learning rate of the run.
        """

        def report() -> dict[str, Any]:
            losses = losses_of_member(result, self.state)
            if problem := member.overwritten() or self.schedulers.problem():
                raise problem
            return {
                "losses": [*map(str, losses)],
                "genome": member.genome.serialize(),
                "rates": learning_rate.by_gene(member.genome),
                "batch": self.witness.seen,
                "function": callable(result),
            }

        with restoring(self.state.average):
            gathered = self.communicator.together("the losses of a round", report)
        require_one_kind([each["function"] for each in gathered])
        size = self.communicator.ranks_per_member
        seen = [each["batch"] for each in gathered]
        self.witness.compare(seen, size, self.communicator.rank)
        losses = [Losses(*map(float, each["losses"])) for each in gathered]
        fitnesses = fitnesses_of(losses_of_members(losses, size, self.settings), self.settings)
        members = gathered[::size]
        rates = {n: fmean(each["rates"][n] for each in members) for n in members[0]["rates"]}
        genomes = [Genome.deserialize(each["genome"]) for each in members]
        judged = [g.set_fitness(f) for g, f in zip(genomes, fitnesses, strict=True)]
        return Population(judged), rates
