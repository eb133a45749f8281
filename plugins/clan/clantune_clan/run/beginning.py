"""The first genomes: set up by the strategies, and each its own."""

from __future__ import annotations

from clantune_clan.communication import Communication
from clantune_clan.run.settings import Settings
from clantune_core import Genome, Population, member_rng, shared_rng


def first_genome(genome: Genome, settings: Settings, communicator: Communication) -> Genome:
    """Return the genome that this member begins with. All ranks do this together.

    Args:
        genome: With all its genes, the same on all ranks but for its identity.
        settings: Whose strategies set it up, and mutate it once.
        communicator: The channel to the others.
    """
    member = communicator.member
    rng, shared = member_rng(settings.seed, 0, member), shared_rng(settings.seed, 0)
    made = settings.evolution.setup(
        genome, rng, shared_rng=shared, rank=member, population_size=communicator.members
    )
    everyone = communicator.gather("the first genomes", made.serialize())
    members = everyone[:: communicator.ranks_per_member]
    population = Population([Genome.deserialize(data) for data in members])
    me = population[member]
    return settings.evolution.mutate(
        me, rng, my_genome=me, population_genomes=population, shared_rng=shared, progress=0.0
    )
