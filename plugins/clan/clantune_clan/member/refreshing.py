"""Refreshing a member after a script has changed its parameters or param groups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

import attrs

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.member.announced import Announced
from clantune_clan.member.binding import make_numbers_real, require_fitting, value_at
from clantune_clan.member.description import model_described, optimizers_described
from clantune_clan.member.optimizers import split_path
from clantune_clan.member.state import State
from clantune_clan.member.training_state import TrainingState
from clantune_clan.reduction import Gradients, ReductionName, make_gradients
from clantune_clan.shards import sharded_modules
from clantune_clan.unwrapping import bare_module
from clantune_core import Genome
from clantune_core.contracts import Expressed, offsets

WHERE = "clan.refresh()"

NewPaths: TypeAlias = Mapping[str, Mapping[str, float]]
"""New paths of each gene, with the distance of the value there from that of the gene."""


@attrs.frozen
class Changes:
    """The changes of a member, equal on all ranks.

    Attributes:
        tensors: Names of the parameters and buffers that were added or replaced.
        paths: New paths of each gene.
    """

    tensors: tuple[str, ...]
    paths: NewPaths


def refresh(state: TrainingState, communicator: Communication) -> Changes:
    """Let a member train with changed parameters and param groups. All ranks call this together.

    Genes of all param groups of an optimizer also set its new groups, with the ratio that the
    values have now. New tensors get the values of rank 0.

    Raises:
        ClanError: The ranks have made different changes, or a change is not possible.
    """
    module = bare_module(state.model)

    def find() -> NewPaths:
        state.optimizers.require_separate(module)
        found = _new_paths(state)
        require_fitting(with_paths(state.genome, found), state)
        return found

    own = communicator.attempt(WHERE, find)
    communicator.require_same(
        WHERE,
        lambda: {
            "the model": model_described(module),
            "the optimizer": optimizers_described(
                state.optimizers, module, with_paths(state.genome, own)
            ),
        },
    )
    # The ratio of a rank depends on its own gene, if all have given a new group the same value.
    paths = _mean_of(communicator.gather(WHERE, {name: dict(each) for name, each in own.items()}))
    state.genome = with_paths(state.genome, paths)
    make_numbers_real(state)
    state.gradients = communicator.attempt("the gradients", lambda: _gradients(state, communicator))
    state.model = state.gradients.model
    new = state.announced.new_tensors(state.model)
    communicator.broadcast("handing out the new weights", new.values())
    if state.average is not None:
        state.average = state.average.covering(state.model, new)
    state.announced = Announced.of(state.model, state.optimizers)
    return Changes(tuple(new), paths)


def with_paths(genome: Genome, paths: NewPaths) -> Genome:
    """Return the genome with new paths of its genes."""
    alleles = dict(genome.alleles)
    for name, new in paths.items():
        gene = Expressed.of(name, alleles[name])
        alleles[name] = attrs.evolve(gene, path={**gene.path, **new}).added_to(alleles[name])
    return genome.with_alleles(alleles)


def _gradients(state: TrainingState, communicator: Communication) -> Gradients:
    before = state.gradients
    if before.name == "ddp" and before.model is state.given:
        raise ClanError(
            "a DistributedDataParallel averages only the parameters that required gradients when "
            "it was made, so it cannot be refreshed: give the clan a bare model, which it wraps "
            "again, or reduction='exact'"
        )
    if sharded_modules(state.given):
        raise ClanError(
            "a model that fully_shard has sharded cannot be refreshed: make all param groups, and "
            "freeze and unfreeze parameters, before the first round"
        )
    before.close()
    optimizers = [*state.optimizers.values()]
    made = make_gradients(state.given, optimizers, communicator, cast(ReductionName, before.name))
    made.loss_scale = before.loss_scale
    return made


def _new_paths(state: TrainingState) -> NewPaths:
    """Return the paths in new param groups that genes of the other groups set too."""
    found: dict[str, dict[str, float]] = {}
    setters = _setters(state)
    for group in state.announced.new_groups(state.optimizers):
        for (groups, setting), genes in setters.items():
            # With a gene for each group, none of them sets another group.
            if groups == group.rpartition("/")[0] and len(genes) == 1:
                [(name, old)] = genes.items()
                new, allele = f"{group}/{setting}", state.genome.alleles[name]
                values = {path: value_at(path, name, state) for path in (old, new)}
                distances = offsets(allele, values)
                if new in distances:  # otherwise it stays as it is, as a weight decay of 0 does
                    from_gene = Expressed.of(name, allele).path[old]
                    found.setdefault(name, {})[new] = from_gene + distances[new]
    return found


def _setters(state: State) -> dict[tuple[str, str], dict[str, str]]:
    """Return the genes of each setting of each optimizer, with a path that they set."""
    setters: dict[tuple[str, str], dict[str, str]] = {}
    for name, allele in state.genome.alleles.items():
        gene = Expressed.of(name, allele)
        for path in gene.path if gene.is_patchable else ():
            if (place := split_path(path)) is not None:
                groups = place[0].rpartition("/")[0]
                setters.setdefault((groups, place[1]), {}).setdefault(name, path)
    return setters


def _mean_of(everyone: Sequence[NewPaths]) -> NewPaths:
    return {
        name: {path: _mean([each[name][path] for each in everyone]) for path in paths}
        for name, paths in everyone[0].items()
    }


def _mean(numbers: Sequence[float]) -> float:
    are_equal = min(numbers) == max(numbers)  # then the mean is exact, without rounding
    return numbers[0] if are_equal else math.fsum(numbers) / len(numbers)
