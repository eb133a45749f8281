"""The start of a run: a first genome for each member."""

from __future__ import annotations

from typing import Any

from clantune_clan.communication import Communication
from clantune_clan.run.settings import Settings
from clantune_core import Genome, Population, member_rng, shared_rng


def first_genome(genome: Genome, settings: Settings, communicator: Communication) -> Genome:
    """Return the first genome of this member. All ranks call this together.

    Args:
        genome: Genome with all genes, equal on all ranks except for its identity.
        settings: Settings with the strategies that set the genome up and mutate it once.
        communicator: Channel to the other ranks.
    """
    index = communicator.member_index
    rng, shared = member_rng(settings.seed, 0, index), shared_rng(settings.seed, 0)

    def set_up() -> dict[str, Any]:
        size = communicator.num_members
        return settings.evolution.setup(
            genome, rng, shared_rng=shared, rank=index, population_size=size
        ).serialize()

    gathered = communicator.together("the first genomes", set_up)
    members = gathered[:: communicator.ranks_per_member]
    population = Population([Genome.deserialize(data) for data in members])
    me = population[index]
    return communicator.attempt(
        "placing the members",
        lambda: settings.evolution.mutate(
            me, rng, my_genome=me, population_genomes=population, shared_rng=shared, progress=0.0
        ),
    )
