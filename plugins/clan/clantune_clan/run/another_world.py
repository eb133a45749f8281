"""Resuming with another number of members or ranks than a checkpoint has.

The saved states become a state that this clan could have saved between two rounds. So the run goes
on with a new round, which ends where the schedule ends the interrupted one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from uuid import uuid5

from clantune_clan.checkpoint import Checkpoint
from clantune_clan.communication import Communication
from clantune_clan.errors import CheckpointError
from clantune_clan.records.centre import centre_of
from clantune_clan.run.agreement import require_equal_ranks
from clantune_clan.run.console import LOGGER
from clantune_clan.run.continued import continued_members, fittest_first
from clantune_clan.run.half_clans import latent_on_data_path
from clantune_clan.run.settings import Settings
from clantune_clan.run.snapshot import random_streams
from clantune_core import Ancestry, Genome, Population


def read(checkpoint: Checkpoint, communicator: Communication, settings: Settings) -> dict[str, Any]:
    """Return a state for this rank from the states of other ranks. All ranks call this together.

    A smaller clan keeps the fittest members. A larger one keeps all and adds clones of the fittest.
    In both cases the strategies breed the genomes again, as offspring of the saved ones.

    Args:
        checkpoint: Checkpoint of another number of members or ranks.
        communicator: Channel to the other ranks.
        settings: Settings of the run.

    Raises:
        CheckpointError: The checkpoint is damaged, or this clan cannot go on from it.
    """
    history = ""

    def choose() -> tuple[list[int], int, Any] | None:
        nonlocal history
        if communicator.rank > 0:
            return None
        first = checkpoint.state_of(0)  # only rank 0 has saved the history
        history = first["history"]
        _require_usable(first["training"], checkpoint, communicator, settings)
        order = fittest_first(first, checkpoint.manifest.num_members, settings.sign)
        continues = continued_members(order, communicator.num_members)
        return continues, _steps_done(first["training"]), first["loader"]

    # Members that competed may have been saved at different steps. All go on from that of rank 0.
    continues, step, loader = communicator.together("choosing the members", choose)[0]
    place = communicator.rank % communicator.ranks_per_member

    def load() -> dict[str, Any]:
        saved = _state_of(continues[communicator.member_index], place, checkpoint)
        run = saved["training"]["run"]
        if (holder := run["best"]["holder"]) is not None:
            best = _state_of(holder, place, checkpoint)["training"]["run"]["best"]
            run["best"] = {**best, "holder": None}  # all ranks have these weights now
        run["step"], run["is_in_round"] = step, False
        earlier = run["continues"]  # in a round that was not completed
        run["continues"] = [member if earlier is None else earlier[member] for member in continues]
        return saved

    saved = communicator.attempt("reading a checkpoint", load)
    if communicator.num_members != checkpoint.manifest.num_members:
        saved["training"] |= _bred(saved["training"], continues, communicator, settings)
    if communicator.rank == 0:
        LOGGER.info(_described(continues, communicator.world_size, checkpoint))
    return {**saved, "loader": loader, "random": random_streams(), "history": history}


def _require_usable(
    training: Mapping[str, Any],
    checkpoint: Checkpoint,
    communicator: Communication,
    settings: Settings,
) -> None:
    """Raise an error if the run cannot go on in this clan, or if the manifest is damaged."""
    about, step = checkpoint.manifest, _steps_done(training)
    known = len(training["half clans"])  # 0 in the first round
    if (
        about.num_members < 1
        or about.world_size % about.num_members
        or known not in (0, about.num_members)
    ):
        raise CheckpointError(
            f"the manifest of {checkpoint.folder} is damaged: it has {about.num_members} members "
            f"and {about.world_size} ranks, which do not fit its files; resume from another "
            "checkpoint"
        )
    if training["run"]["calibration"] is not None:
        raise CheckpointError(
            f"the checkpoint {checkpoint.folder} is of {about.world_size} ranks and "
            f"{about.num_members} members that search for the learning rate, and this clan has "
            f"{communicator.world_size} ranks and {communicator.num_members} members: start as "
            "many as then until the search is over, or begin another run"
        )
    if settings.schedule.is_over_at(step):
        raise CheckpointError(
            f"the checkpoint {checkpoint.folder} is of step {step}, and this run has "
            f"{settings.total_steps} steps, so nothing is left to do: resume with as many ranks as "
            "it has, or give a larger total_steps= (epochs= means other steps with other ranks)"
        )


def _state_of(member: int, place: int, checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the saved state of a member, for a rank with a place in its own member."""
    size = checkpoint.manifest.world_size // checkpoint.manifest.num_members
    return checkpoint.state_of(member * size + place % size)


def _steps_done(training: Mapping[str, Any]) -> int:
    """Return the number of steps of the run that were done."""
    run, member = training["run"], training["member"]
    if not run["is_in_round"]:
        return int(run["step"])
    return int(member["round"]["first_step"] + member["place"]["step"])


def _bred(
    training: Mapping[str, Any],
    continues: Sequence[int],
    communicator: Communication,
    settings: Settings,
) -> dict[str, Any]:
    """Return the parts of a state that depend on the genomes of all members.

    Each genome is the offspring of the saved one. Its fitness is not known yet, so strategies see a
    population in which all have failed: they keep what they remember, return genes to the centre of
    their design, and learn nothing.
    """
    run, index = training["run"], communicator.member_index
    key = f"clantune/another world/{settings.seed}/{run['step']}"
    parent = continues.index(continues[index])  # another member, if this one is a clone
    firsts = slice(None, None, communicator.ranks_per_member)

    def parent_or_twin() -> dict[str, Any]:
        genome = Genome.deserialize(training["member"]["genome"])
        is_clone = parent != index
        identity = uuid5(genome.uuid, f"{key}/{index}") if is_clone else genome.uuid
        return genome.with_uuid(identity).serialize()

    everyone = communicator.together("the saved genomes", parent_or_twin)[firsts]
    population = Population([Genome.deserialize(g).set_fitness(math.inf) for g in everyone])
    turn = settings.evolution.turn(
        population[index],
        population,
        Random(f"{key}/{index}"),
        shared_rng=Random(key),
        generation=run["round"],
        progress=settings.progress_at(run["step"]),
    )

    child = communicator.attempt(
        "placing the members",
        lambda: turn.mutate(turn.crossbreed(Ancestry.sole(parent, population))),
    )
    genes = communicator.gather("the placed members", child.as_hyperparameters())
    require_equal_ranks(genes, communicator.ranks_per_member)
    latents = communicator.gather("dividing the clan", latent_on_data_path(child))
    return {
        "member": {**training["member"], "genome": child.serialize()},
        "half clans": latents[firsts],
        "centre": centre_of(child.alleles, genes[firsts]),
    }


def _described(continues: Sequence[int], world_size: int, checkpoint: Checkpoint) -> str:
    was, count = checkpoint.manifest, f"{len(continues)} member{'s' * (len(continues) != 1)}"
    if len(continues) == was.num_members:
        return f"the run goes on with {count} on {world_size} ranks, which were {was.world_size}"
    pairs = ", ".join(f"member {new} continues member {old}" for new, old in enumerate(continues))
    return f"the run goes on with {count} from a checkpoint of {was.num_members}: {pairs}"
