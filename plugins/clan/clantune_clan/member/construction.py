"""Construction of a state that is ready for training.

All ranks have the same weights, and only ClanTune averages gradients.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

import attrs
from torch import nn
from torch.distributed.fsdp import FlatParameter
from torch.distributed.tensor import DTensor
from torch.nn.parameter import UninitializedParameter

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.gradients import Gradients, Reduction
from clantune_clan.gradients.layout import FIRST
from clantune_clan.member.average import WeightAverage
from clantune_clan.member.binding import make_numbers_real, require_fitting
from clantune_clan.member.description import (
    genome_described,
    model_described,
    optimizers_described,
)
from clantune_clan.member.optimizers import Optimizers, OptimizersLike
from clantune_clan.member.state import State
from clantune_clan.member.training_state import TrainingState
from clantune_clan.unwrapping import bare_module, named_tensors
from clantune_core import Genome


def build_state(
    genome: Genome,
    model: nn.Module,
    optimizer: OptimizersLike,
    communicator: Communication,
    *,
    reduction: Reduction | Literal["auto"] = "auto",
    resume: bool = False,
    ema: bool = True,
    compared: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> TrainingState:
    """Make a member's state. All ranks call this together.

    On a fresh start all members get the weights and buffers of rank 0.

    Args:
        genome: Genome of the member.
        model: Model, bare or wrapped. `DistributedDataParallel` around it is switched off.
        optimizer: Optimizer of its parameters, or several: a list, or by name.
        communicator: Channel to the other ranks.
        reduction: Method of averaging gradients, see `Gradients`; `"auto"` overlaps large models.
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
        return make_gradients(model, state.optimizers, communicator, reduction)

    gradients = communicator.attempt("the gradients", hook)
    communicator.require_same(
        "the setup",
        lambda: {
            "the model": model_described(module),
            "the optimizer": optimizers_described(Optimizers(optimizer), module, genome),
            "the genome": genome_described(genome),
            "the reduction": {"reduction": gradients.reduction, "resume": resume},
            **compared,
        },
    )
    _require_one_genome_each(genome, communicator)
    if not resume:
        communicator.broadcast("handing out the first weights", named_tensors(module).values())
    state = TrainingState(
        genome,
        model,
        optimizer,
        gradients=gradients,
        average=WeightAverage(module) if ema else None,
    )
    make_numbers_real(state)
    return state


@attrs.frozen
class _AsOne:
    """All optimizers for `Gradients`, which takes one: a step of any of them counts."""

    optimizers: Optimizers

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [*self.optimizers.groups.values()]

    def register_step_post_hook(self, hook: Any) -> _Hooks:
        return _Hooks([o.register_step_post_hook(hook) for o in self.optimizers.values()])


@attrs.frozen
class _Hooks:
    hooks: list[Any]

    def remove(self) -> None:
        for hook in self.hooks:
            hook.remove()


def make_gradients(
    model: nn.Module,
    optimizers: Optimizers,
    communicator: Communication,
    reduction: Reduction | Literal["auto"],
) -> Gradients:
    """Return the object that averages the gradients of a model."""
    module = bare_module(model)
    if reduction not in ("auto", "exact", "overlap"):
        raise ClanError(f"reduction is auto, exact or overlap; got {reduction!r}")
    for name, parameter in module.named_parameters():
        if isinstance(parameter, DTensor | UninitializedParameter | FlatParameter):
            raise ClanError(
                f"the parameter {name!r} is a {type(parameter).__name__}: a model that is sharded "
                "cannot be trained in a clan, and one with lazy layers needs a forward pass before"
            )
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise ClanError("the model has no parameter that learns")
    chosen = _choose(module) if reduction == "auto" else reduction
    given: Any = _AsOne(optimizers)
    return Gradients(model, given, communicator, chosen)


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


def _choose(module: nn.Module) -> Reduction:
    """Overlap is faster if the gradients exceed the first bucket."""
    bytes_ = sum(p.numel() * p.element_size() for p in module.parameters() if p.requires_grad)
    return "exact" if bytes_ <= FIRST else "overlap"
