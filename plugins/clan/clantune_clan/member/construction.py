"""Construction of a state that is ready for training.

All ranks have the same weights, and only ClanTune averages gradients.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from torch import nn
from torch.amp import GradScaler

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.member.average import WeightAverage
from clantune_clan.member.binding import make_numbers_real, require_fitting
from clantune_clan.member.description import (
    genome_described,
    model_described,
    optimizers_described,
)
from clantune_clan.member.handing_out import hand_out
from clantune_clan.member.optimizers import Optimizers, OptimizersLike
from clantune_clan.member.state import State
from clantune_clan.member.training_state import TrainingState
from clantune_clan.reduction import Gradients, ReductionName, make_gradients
from clantune_clan.reduction.loss_scale import LossScale
from clantune_clan.unwrapping import bare_module
from clantune_core import Genome


def build_state(
    genome: Genome,
    model: nn.Module,
    optimizer: OptimizersLike,
    communicator: Communication,
    *,
    reduction: ReductionName = "auto",
    scaler: GradScaler | None = None,
    resume: bool = False,
    ema: bool = True,
    compared: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> TrainingState:
    """Make a member's state. All ranks call this together.

    On a fresh start all members get the weights and buffers of rank 0, or of member 0 if the model
    is sharded.

    Args:
        genome: Genome of the member.
        model: Model, bare or wrapped. `"ddp"` wraps a bare one, so call the model of the state.
        optimizer: Optimizer of its parameters, or several: a list, or by name.
        communicator: Channel to the other ranks.
        reduction: How gradients are averaged. `"ddp"` adds up the buckets of
            `DistributedDataParallel` in the backward pass. `"exact"` adds up once after it, in a
            fixed order, and switches wrappers off. `"auto"` uses the wrapper of a model that has
            one, and wraps a large model on an accelerator if it has one optimizer; other models
            are `"exact"`.
        scaler: Scaler of the loss for float16, whose scale all members share.
        resume: Whether members keep their own weights, as after loading a checkpoint.
        ema: Whether to compute an exponential moving average of the weights.
        compared: Further entries that must be equal on all ranks, by name, for each subject.

    Raises:
        ClanError: The ranks have built different objects, or the model cannot be used. All ranks
            raise it.
    """
    module = bare_module(model)

    def hook() -> Gradients:
        state = State(genome, model, optimizer)
        require_fitting(genome, state)
        optimizers = [*state.optimizers.values()]
        gradients = make_gradients(model, optimizers, communicator, reduction)
        if scaler is not None and scaler.is_enabled():
            gradients.loss_scale = LossScale(scaler)
        return gradients

    gradients = communicator.attempt("the gradients", hook)
    communicator.require_same(
        "the setup",
        lambda: {
            "the model": model_described(module),
            "the optimizer": optimizers_described(Optimizers(optimizer), module, genome),
            "the genome": genome_described(genome),
            "the reduction": {"reduction": gradients.name, "resume": resume},
            **compared,
        },
    )
    _require_one_genome_each(genome, communicator)
    if not resume:
        hand_out(module, communicator, "handing out the first weights")
    state = TrainingState(
        genome,
        gradients.model,
        optimizer,
        gradients=gradients,
        given=model,
        average=WeightAverage(module) if ema else None,
    )
    make_numbers_real(state)
    return state


def _require_one_genome_each(genome: Genome, communicator: Communication) -> None:
    """Check that the ranks of a member have the same values of all genes."""
    size = communicator.ranks_per_member
    if size == 1:
        return
    values = communicator.gather("the members' genomes", genome.as_hyperparameters())
    for rank, mine in enumerate(values):
        first = rank - rank % size
        if mine != values[first]:
            raise ClanError(
                f"ranks {first} and {rank} train one member with different genomes, "
                f"{values[first]} and {mine}; give the ranks of a member the same"
            )
