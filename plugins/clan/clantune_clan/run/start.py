"""How a run starts: the channel between its ranks, and a first genome for each member."""

from __future__ import annotations

from datetime import timedelta

import torch.distributed as dist

from clantune_clan.communication import Communication
from clantune_clan.communication.joining import join
from clantune_clan.errors import ClanError
from clantune_clan.run.settings import Settings
from clantune_core import Genome, Population, member_rng, shared_rng


def channel_of(population_size: int | None, timeout: float) -> Communication:
    """Return the channel for so many members; None makes one of each rank."""
    if population_size is None:
        return Communication(timeout=timeout)
    join(timedelta(seconds=timeout))
    world = dist.get_world_size() if dist.is_initialized() else 1
    if population_size < 1 or world % population_size:
        raise ClanError(
            f"population_size is {population_size}, and there are {world} ranks: start a multiple "
            f"of {population_size} processes, or leave it out for one member per rank"
        )
    return Communication(ranks_per_member=world // population_size, timeout=timeout)


def first_genome(genome: Genome, settings: Settings, communicator: Communication) -> Genome:
    """Return the genome that this member begins with. All ranks do this together.

    Args:
        genome: With all its genes, the same on all ranks but for its identity.
        settings: Whose strategies set the genome up and mutate it once.
        communicator: The channel to the others.
    """
    index = communicator.member_index
    rng, shared = member_rng(settings.seed, 0, index), shared_rng(settings.seed, 0)
    made = settings.evolution.setup(
        genome, rng, shared_rng=shared, rank=index, population_size=communicator.num_members
    )
    gathered = communicator.gather("the first genomes", made.serialize())
    members = gathered[:: communicator.ranks_per_member]
    population = Population([Genome.deserialize(data) for data in members])
    me = population[index]
    return settings.evolution.mutate(
        me, rng, my_genome=me, population_genomes=population, shared_rng=shared, progress=0.0
    )
