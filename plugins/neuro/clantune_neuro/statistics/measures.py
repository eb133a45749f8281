"""What a population looks like: scores, strengths, lineages, weights."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

import attrs
import torch

from clantune_core import Population
from clantune_neuro.evaluation.record import Record
from clantune_neuro.lineage.blueprint import STRENGTH, Blueprint
from clantune_neuro.operators.rates import learned_rates
from clantune_neuro.replay.state import State
from clantune_neuro.run.members import WEIGHTS, lineage_of


@attrs.frozen
class Spread:
    """How numbers are spread.

    Attributes:
        low: The smallest one.
        median: The median.
        mean: The mean.
        high: The largest one.
        std: The standard deviation; 0 for a single number.
    """

    low: float
    median: float
    mean: float
    high: float
    std: float

    @classmethod
    def of(cls, numbers: Iterable[float]) -> Spread | None:
        """Return the spread of numbers, or None if there are none."""
        held = [*numbers]
        if not held:
            return None
        return cls(
            min(held),
            statistics.median(held),
            statistics.fmean(held),
            max(held),
            statistics.pstdev(held),
        )


def scores(population: Population) -> Spread | None:
    """Return the spread of the base scores of living members."""
    bases = (Record.of(member).base for member in population)
    return Spread.of(base for base in bases if base is not None)


def depths(population: Population) -> Spread | None:
    """Return the spread of the number of genes in a lineage."""
    return Spread.of(lineage_of(member).num_genes for member in population)


def strengths(population: Population) -> Spread | None:
    """Return the spread of the strength of new genes."""
    found = (member.alleles[WEIGHTS].metadata.get(STRENGTH) for member in population)
    return Spread.of(allele.value for allele in found if allele is not None)


def operators(population: Population, blueprint: Blueprint) -> dict[str, int]:
    """Return how many genes of each operator there are in all lineages."""
    counts: Counter[str] = Counter()
    for member in population:
        lineage = lineage_of(member)
        numbers = lineage.records["operator"][lineage.num_birth :].tolist()
        counts.update(blueprint.entry(number).name for number in numbers)
    return dict(counts.most_common())


def used_rows(population: Population) -> Spread | None:
    """Return the spread of the number of rows that give right answers; None without a bank."""
    traces = (Record.of(member).trace for member in population)
    return Spread.of(len(trace.used) for trace in traces if trace is not None)


def norms(state: State) -> dict[str, Spread]:
    """Return the spread of the norms of the rows of each tensor."""
    found: dict[str, Spread] = {}
    for index, spec in enumerate(state.blueprint.tensors):
        measured = state.rows(index).to(torch.float64).norm(dim=1) * 2.0**-spec.unit
        found |= _named(spec.name, measured.tolist())
    return found


def rates(state: State) -> dict[str, Spread]:
    """Return the spread of the learned rates of the weights of each tensor.

    It is empty without genes of the operator `rate`.
    """
    found: dict[str, Spread] = {}
    for index, spec in enumerate(state.blueprint.tensors):
        learned = learned_rates(state, index)
        if learned is not None:
            found |= _named(spec.name, learned.tolist())
    return found


def _named(name: str, numbers: Sequence[float]) -> dict[str, Spread]:
    spread = Spread.of(numbers)
    return {} if spread is None else {name: spread}
