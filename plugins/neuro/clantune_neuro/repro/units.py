"""Genes for the hidden units of a plain dense network, which are replaced one at a time."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import TYPE_CHECKING

import attrs
import torch
from torch import Tensor

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    Ancestry,
    Genome,
    Population,
)
from clantune_neuro.errors import OperatorError
from clantune_neuro.evaluation.record import Record
from clantune_neuro.lineage.blueprint import Blueprint, LineageAllele
from clantune_neuro.lineage.gene import Gene
from clantune_neuro.lineage.registry import operator
from clantune_neuro.networks.answer import Answer
from clantune_neuro.networks.linear import LinearPolicy
from clantune_neuro.operators.rows import drawn_rows, seed_of_rows
from clantune_neuro.replay.integers import unit_rows
from clantune_neuro.replay.steps import Noise, step

if TYPE_CHECKING:
    from clantune_neuro.replay.state import State

HIDDEN, OUT = "hidden.weight", "out.weight"
"""The tensors of a `LinearPolicy` whose row and column belong to one unit."""

FRESH, COLUMN = "fresh-unit", "fresh-column"
"""Names of the operators. They are known where this module is imported."""


class ActiveUnits(LinearPolicy):
    """A `LinearPolicy` that also says which of its hidden units is the most active at each point.

    The trace of a score is made of these units.
    """

    def forward(self, x: Tensor) -> Answer:  # type: ignore[override]
        """Return the logits of each point, and its most active unit."""
        active = torch.relu(self.hidden(x.flatten(1)))
        most, units = active.max(-1)
        return Answer(self.out(active), units, most)


def unit_argument(blueprint: Blueprint) -> Iterable[int]:
    """Allow the argument 0, for networks with one hidden layer.

    Raises:
        OperatorError: The network has none.
    """
    names = [tensor.name for tensor in blueprint.tensors]
    if HIDDEN in names and OUT in names:
        return (0,)
    raise OperatorError(
        f"the operators of hidden units need the tensors {HIDDEN!r} and {OUT!r}; use a "
        "LinearPolicy",
        name=FRESH,
    )


@operator(FRESH, additive=False, arguments=unit_argument)
def fresh_unit(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Replace a unit: a fresh row of norm 1 to it, and a fresh column of variance 1 from it."""
    index = blueprint.index_of(HIDDEN)
    spec = blueprint.tensors[index]
    unit, _ = drawn_rows(gene.seed, spec.rows)
    row = _noise(state, index, gene, spec.columns).unsqueeze(0)
    state.put(index, unit_rows(row, state.norms(index, row), spec.unit)[0], unit * spec.columns)
    fresh_column(state, gene, blueprint)


@operator(COLUMN, additive=False, arguments=unit_argument)
def fresh_column(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Draw what a unit says about each class anew: a fresh column of variance 1."""
    index = blueprint.index_of(OUT)
    spec = blueprint.tensors[index]
    unit, _ = drawn_rows(gene.seed, spec.columns)
    state[index].view(spec.rows, spec.columns)[:, unit] = _noise(state, index, gene, spec.rows)


def _noise(state: State, index: int, gene: Gene, count: int) -> Tensor:
    found, _ = step(state, index, Noise("normal", gene.seed, 0, scale=0), count)
    return found.to(torch.int64)


@attrs.frozen
class ReplaceUnit(AbstractMutationStrategy):
    """Appends a gene that replaces a hidden unit, or its column alone, each in half of the cases.

    With a trace, a column that is drawn anew is that of the unit that was the most active one where
    the dominant parent gave its first wrong answer. Every other unit is drawn at random.

    Attributes:
        trace: Whether to use the trace of the dominant parent.
    """

    trace: bool = False

    def handle_mutating(
        self,
        allele: AbstractAllele,
        ancestry: Ancestry,
        population_genomes: Population,
        rng: Random,
    ) -> AbstractAllele:
        """Append a gene."""
        if not isinstance(allele, LineageAllele):
            return allele
        blueprint: Blueprint = allele.domain
        units = blueprint.tensors[blueprint.index_of(HIDDEN)].rows
        unit, name = rng.randrange(units), rng.choice((FRESH, COLUMN))
        if self.trace and name == COLUMN:
            unit = _blamed(population_genomes[ancestry.dominant], rng, unit)
        seed = seed_of_rows(unit, 0, units, rng.getrandbits(64))
        return allele.append(Gene(blueprint.number_of(name), seed=seed))


def _blamed(parent: Genome, rng: Random, otherwise: int) -> int:
    trace = Record.of(parent).trace
    unit = None if trace is None else trace.draw_blamed(rng)
    return otherwise if unit is None else unit
