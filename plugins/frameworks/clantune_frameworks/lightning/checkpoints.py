"""The state of a clan in a checkpoint of Lightning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightning.pytorch import Trainer

from clantune_clan import CheckpointError, Clan

KEY = "clantune"
"""Name of the clan's state in a checkpoint."""


def saved_state(clan: Clan) -> dict[str, Any]:
    """Return the entry for a checkpoint, on rank 0. All ranks call this together.

    It has the states of all ranks, or none if the run is over: then only the weights count.
    """
    is_over = clan.finished
    return {"is_over": is_over, "states": [] if is_over else clan.gather_state_dicts()}


def state_of_rank(checkpoint: Mapping[str, Any], trainer: Trainer) -> Mapping[str, Any] | None:
    """Return the state of this rank in a checkpoint; None if the run in it is over.

    Raises:
        CheckpointError: The checkpoint has no clan, or one of another number of ranks.
    """
    entry = checkpoint.get(KEY)
    if entry is None:
        raise CheckpointError(
            "the checkpoint was saved without a clan, or after an exception: to begin with its "
            "weights, make the module by load_from_checkpoint and fit without ckpt_path="
        )
    if entry["is_over"]:
        return None
    states = entry["states"]
    if len(states) != trainer.world_size:
        raise CheckpointError(
            f"the checkpoint has the states of {len(states)} ranks, and this run has "
            f"{trainer.world_size}: give Trainer(devices=..., num_nodes=...) as in the run that "
            "was saved"
        )
    state: Mapping[str, Any] = states[trainer.global_rank]
    return state
