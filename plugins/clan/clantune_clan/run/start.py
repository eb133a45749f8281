"""How a run starts: a first genome for each member."""

from __future__ import annotations

from typing import Any

from clantune_clan.communication import Communication
from clantune_clan.run.settings import Settings
from clantune_core import Genome, Population, member_rng, shared_rng


def first_genome(genome: Genome, settings: Settings, communicator: Communication) -> Genome:
    """Return the genome that this member begins with. All ranks do this together.

    Args:
        genome: With all its genes, the same on all ranks but for its identity.
        settings: Whose strategies set the genome up and mutate it once.
        communicator: The channel to the others.
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
