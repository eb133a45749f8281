"""The crossover of the notes for a bank of rows: each row comes from one of two parents."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from random import Random

import attrs
import numpy as np

from clantune_neuro.lineage.form import FIELDS
from clantune_neuro.operators.rows import drawn_rows, num_rows
from clantune_neuro.strategies.crossovers import Crossover
from clantune_neuro.strategies.parents import Parents


@attrs.frozen
class ByRow(Crossover):
    """Each row of the offspring has the genes of one parent, which is drawn by the shares.

    Use it with additive operators that change one row of a bank, whose genes mean the same beside
    any others. A gene that all parents have is always kept. The genes are in the
    order of the dominant parent; those of other parents follow.
    """

    def tail(self, parents: Parents, rng: Random) -> Sequence[str]:
        """Return the genes that all parents have, and those of the parent of each row."""
        rows = num_rows(parents.dominant.domain)
        drawn = rng.choices(range(len(parents.tails)), parents.shares, k=rows)
        common = set(parents.tails[0]).intersection(*parents.tails[1:])
        return [
            gene
            for number, tail in enumerate(parents.tails)
            for gene, row in zip(tail, _rows(tail, rows), strict=True)
            if (not number if gene in common else drawn[row] == number)
        ]


def _rows(genes: Sequence[str], rows: int) -> list[int]:
    """Return the row that each gene changes."""
    records = np.frombuffer(base64.b64decode("".join(genes)), dtype=FIELDS)
    return [drawn_rows(seed, rows)[0] for seed in records["seed"].tolist()]
