"""Duplicate: copy a row of a bank into another row, guided by a trace or blind."""

from __future__ import annotations

from random import Random

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    Ancestry,
    Context,
    Genome,
    Population,
)
from clantune_neuro.evaluation.record import Record
from clantune_neuro.lineage.blueprint import Blueprint, LineageAllele
from clantune_neuro.lineage.gene import Gene
from clantune_neuro.operators.rows import num_rows, seed_of_rows
from clantune_neuro.strategies.strength import new_strength
from clantune_neuro.tasks.trace import RowTrace
from clantune_strategies.checks import flag_field, number_field, strategy_error


@attrs.frozen
class Duplicate(AbstractMutationStrategy):
    """Copies a row of a bank, nudged, into another row, with fresh logits.

    With a trace, each offspring draws one of its parent's wrong answers. It copies the row that
    gave this answer into a row that no right answer uses, or it draws fresh logits for the row that
    gave the answer. The trace comes from the forward pass and the score of the parent: it holds no
    gradient and no label. Without a trace, both rows are drawn at random. The trace makes the
    search about 20 times shorter.

    The network needs a bank of rows, such as `networks.Heads`. The genes are those of the operators
    `duplicate` and `label`, with the strength in the lineage's metadata, `neuro/strength`. Other
    kinds stay as they are.

    Attributes:
        trace: Whether to use the trace of the dominant parent.
        label: Probability that only the logits of the row are drawn, 0 to 1. Without a trace it has
            no effect.
    """

    trace: bool = flag_field(default=True)
    label: float = number_field(0.4, 0.0, 1.0)

    def handle_mutating(
        self,
        allele: AbstractAllele,
        ancestry: Ancestry | None,
        my_genome: Genome,
        population_genomes: Population,
        context: Context,
        rng: Random,
    ) -> AbstractAllele:
        """Append a gene that copies a row, or draws its logits."""
        if not isinstance(allele, LineageAllele):
            return allele
        strength = new_strength(allele, self, context)
        blueprint: Blueprint = allele.domain
        number, rows = blueprint.number_of("duplicate"), num_rows(blueprint)
        if not self.trace:
            changed, copied = rng.randrange(rows), rng.randrange(rows)
        else:
            parent = my_genome if ancestry is None else population_genomes[ancestry.dominant]
            trace = _trace_of(parent)
            blamed = trace.draw_blamed(rng)
            copied = rng.randrange(rows) if blamed is None else blamed
            if rng.random() < self.label:
                number, changed = blueprint.number_of("label"), copied
            else:
                changed = rng.choice(trace.unused(rows) or range(rows))
        seed = seed_of_rows(changed, copied, rows, rng.getrandbits(64))
        return allele.append(Gene(number, strength=strength, seed=seed))


def _trace_of(parent: Genome) -> RowTrace:
    """Return the trace of a parent. A dead one has none, and blames no row."""
    record = Record.of(parent)
    if record.base is None:
        return RowTrace((), ())
    if record.trace is None:
        raise strategy_error(
            "Duplicate",
            f"the score of genome {parent.uuid} has no trace; let the method `score` of the task "
            "return Score(base=..., trace=RowTrace(...)), or use Duplicate(trace=False)",
        )
    return record.trace
