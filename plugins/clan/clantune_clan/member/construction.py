"""Making a state that is ready for training.

The weights are the same everywhere, and nothing else averages gradients.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.distributed.fsdp import FlatParameter
from torch.distributed.tensor import DTensor
from torch.nn.parameter import UninitializedParameter
from torch.optim import Optimizer

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.gradients import Gradients, Reduction
from clantune_clan.gradients.layout import FIRST
from clantune_clan.member.average import WeightAverage
from clantune_clan.member.state import State
from clantune_clan.unwrapping import bare_module
from clantune_core import Genome
from clantune_core.contracts import Expressed


def build_state(
    genome: Genome,
    model: nn.Module,
    optimizer: Optimizer,
    communicator: Communication,
    *,
    reduction: Reduction | Literal["auto"] = "auto",
    resume: bool = False,
    average: bool = True,
) -> State:
    """Make a member's state. All ranks do this together.

    On a fresh start all members get the weights and buffers of rank 0.

    Args:
        genome: The member's genome.
        model: The model, bare or wrapped. `DistributedDataParallel` around it is switched off.
        optimizer: The optimizer of its parameters.
        communicator: The channel to the other ranks.
        reduction: How gradients are averaged, see `Gradients`; `"auto"` overlaps what is large.
        resume: Whether members keep the weights that they have, as after loading a checkpoint.
        average: Whether a running average of the weights is kept.

    Raises:
        ClanError: The ranks differ in what they have built, or the model cannot be used; the error
            is raised on all ranks.
    """
    module = bare_module(model)
    communicator.gather("the models", None, problem=_refusal(module, reduction))
    communicator.require_same("the model", _schema(module))
    communicator.require_same("the genome", _genes(genome))
    _require_one_genome_each(genome, communicator)
    chosen = _choose(module) if reduction == "auto" else reduction
    communicator.require_same("the reduction", {"reduction": chosen, "resume": resume})
    gradients = _gradients(model, optimizer, communicator, chosen)
    if not resume:
        communicator.broadcast(_tensors(module))
    state = State(
        genome,
        model,
        optimizer,
        gradients=gradients,
        average=WeightAverage(module) if average else None,
    )
    for path in _whole_numbers(state):
        state.make_real(path)
    return state


def _whole_numbers(state: State) -> list[str]:
    """Return where a gene is a real number and the object has a whole one, as in lr=1."""
    return [
        path
        for name, allele in state.genome.alleles.items()
        if isinstance(allele.value, float) and Expressed.of(name, allele).is_patchable
        for path in Expressed.of(name, allele).path
        if type(state.get(path)) is int
    ]


def _gradients(
    model: nn.Module, optimizer: Optimizer, communicator: Communication, reduction: Reduction
) -> Gradients | None:
    made, problem = None, None
    try:
        made = Gradients(model, optimizer, communicator, reduction)
    except ClanError as error:
        problem = error
    communicator.gather("the gradients", None, problem=problem)
    return made


def _refusal(module: nn.Module, reduction: str) -> ClanError | None:
    if reduction not in ("auto", "exact", "overlap"):
        return ClanError(f"reduction is auto, exact or overlap; got {reduction!r}")
    for name, parameter in module.named_parameters():
        if isinstance(parameter, DTensor | UninitializedParameter | FlatParameter):
            return ClanError(
                f"the parameter {name!r} is a {type(parameter).__name__}: a model that is sharded "
                "cannot be trained in a clan, and one with lazy layers needs a forward pass before"
            )
    if not any(parameter.requires_grad for parameter in module.parameters()):
        return ClanError("the model has no parameter that learns")
    return None


def _tensors(module: nn.Module) -> list[Tensor]:
    """Return all parameters and buffers, also those that are not saved."""
    return [*module.parameters(), *module.buffers()]


def _schema(module: nn.Module) -> dict[str, str]:
    return {
        name: f"{tensor.dtype} of shape {tuple(tensor.shape)}"
        + ("" if tensor.requires_grad or name in buffers else ", frozen")
        for buffers in [{name for name, _ in module.named_buffers()}]
        for name, tensor in (*module.named_parameters(), *module.named_buffers())
    }


def _genes(genome: Genome) -> dict[str, str]:
    return {
        name: f"{allele.kind} in {allele.domain}, expressed as {allele.metadata.get('expression')}"
        for name, allele in genome.alleles.items()
    }


def _require_one_genome_each(genome: Genome, communicator: Communication) -> None:
    """Check that the ranks of a member have the same values, with which they train it."""
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
    """Overlap pays if there is more than the first bucket."""
    bytes_ = sum(p.numel() * p.element_size() for p in module.parameters() if p.requires_grad)
    return "exact" if bytes_ <= FIRST else "overlap"
