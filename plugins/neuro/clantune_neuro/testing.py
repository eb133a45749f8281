"""What the conformance kit cannot draw by itself: lineages, and genomes with a record.

`alleles(LineageAllele)` and `clantune check` find both by their entry points.
"""

from __future__ import annotations

import math
from random import Random

from hypothesis import strategies as st

from clantune_core import AbstractAllele, Genome, LogFloatAllele
from clantune_neuro.evaluation.record import Record
from clantune_neuro.lineage.blueprint import STRENGTH, Blueprint, LineageAllele
from clantune_neuro.lineage.strengths import STRENGTHS
from clantune_neuro.networks.heads import Heads
from clantune_neuro.selftest.chains import random_chain
from clantune_neuro.tasks.score import Score
from clantune_neuro.tasks.trace import RowTrace

ROWS = 8
"""The rows of the bank."""


def lineages() -> st.SearchStrategy[AbstractAllele]:
    """Return a hypothesis strategy for lineages of a bank of rows, which takes every operator."""
    bank = Blueprint.of(Heads(ROWS, features=12, classes=5))
    strengths = st.sampled_from([0.1, STRENGTHS[0], STRENGTHS[1]])
    return st.builds(_lineage, st.just(bank), st.integers(0, 5), st.integers(0, 2**32), strengths)


def evaluated(genome: Genome) -> Genome:
    """Return a genome with the record of a score, as after a generation of a run."""
    draw = Random(genome.uuid.int)
    trace = RowTrace(draw.choices(range(ROWS), k=draw.randrange(3)), draw.sample(range(ROWS), 2))
    score = Score(draw.choice([0.0, 1.0, math.nan]), draw.choice([0.0, 1.0]), trace=trace)
    return Record.of_score(score, born=draw.randrange(3)).added_to(genome)


def _lineage(blueprint: Blueprint, length: int, seed: int, strength: float) -> LineageAllele:
    metadata = {STRENGTH: LogFloatAllele(strength, STRENGTHS)}
    return LineageAllele(random_chain(blueprint, length, seed), blueprint, metadata=metadata)
