"""What the rounds measured: how the loss of a member depends on the value of a gene.

In each round, the effect of a gene is the least-squares slope of ln loss (or of the metric itself,
if it is a score or not positive) over the places of all members, adjusted for the other genes if
there are members enough. The mean over rounds weighs each round by how far its members are apart,
and its standard error comes from the differences between rounds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import attrs
import torch

from clantune_clan.records import RoundRecord
from clantune_report.facts import Facts, has_failed
from clantune_report.genes import SMALL, Gene, genes_of
from clantune_report.page.effect import Effect
from clantune_report.wording import number

HUGE = 1e100
"""Larger metrics are cut to this, so that their products do not overflow."""

EQUAL = 1e-6
"""Distance, in steps, up to which members count as equal: it comes from rounding."""


@attrs.frozen
class Column:
    """Something in which members differ: a gene, or one choice of a discrete gene.

    Attributes:
        gene: The gene.
        step: What a step is, in words.
        length: Length of a step.
        choice: The choice; None for a continuous gene.
    """

    gene: Gene
    step: str
    length: float = 1.0
    choice: object = None

    def places(self, records: Sequence[RoundRecord]) -> list[float]:
        """Return the place of each member."""
        values = [record.genes[self.gene.name] for record in records]
        if self.gene.is_continuous:
            return [self.gene.latent(value) / self.length for value in values]
        return [float(value == self.choice) for value in values]


def effects_of(facts: Facts) -> list[Effect]:
    """Return the effects of all genes in which members differ, in the order of the genes."""
    columns = [each for gene in genes_of(facts) for each in _columns(facts, gene)]
    found: list[list[tuple[int, float, float]]] = [[] for _ in columns]
    is_log = has_logarithm(facts)
    for place, records in enumerate(facts.rounds):
        if all(map(has_failed, records)):
            continue
        outcome = _centred(outcomes(records, is_log=is_log, sign=facts.start.sign))
        offsets = {
            at: centred
            for at, column in enumerate(columns)
            if max(map(abs, centred := _centred(column.places(records)))) > EQUAL
        }
        slopes = slopes_of(offsets, outcome)
        for at, column in offsets.items():
            found[at].append((place, slopes[at], math.fsum(x * x for x in column)))
    return [
        Effect(column.gene.name, column.step, *map(list, zip(*measured, strict=True)))
        for column, measured in zip(columns, found, strict=True)
        if measured
    ]


def has_logarithm(facts: Facts) -> bool:
    """Return whether effects are those on ln loss: all losses of the run are positive."""
    metrics = (each.metric for records in facts.rounds for each in records if not has_failed(each))
    return facts.start.mode == "min" and all(metric > 0.0 for metric in metrics)


def outcomes(records: Sequence[RoundRecord], *, is_log: bool, sign: float) -> list[float]:
    """Return what is compared; a failed member counts as the worst of the others.

    Args:
        records: Records of a round, of which one has a finite metric.
        is_log: Whether it is the logarithm of the metric.
        sign: 1 if a low metric is good, -1 if a high one is.
    """
    known = [record.metric for record in records if not has_failed(record)]
    worst = sign * max(sign * metric for metric in known)
    metrics = [worst if has_failed(record) else record.metric for record in records]
    if is_log:
        return [math.log(metric) for metric in metrics]
    return [max(-HUGE, min(metric, HUGE)) for metric in metrics]


def slopes_of(offsets: Mapping[int, Sequence[float]], outcome: Sequence[float]) -> dict[int, float]:
    """Return the slope of the outcome in each column, adjusted for the others where possible.

    Args:
        offsets: Columns, each with the mean 0.
        outcome: Outcome of each member, with the mean 0.
    """
    y = torch.tensor(outcome, dtype=torch.float64)
    columns = [torch.tensor(column, dtype=torch.float64) for column in offsets.values()]
    alone = {at: float(c @ y / (c @ c)) for at, c in zip(offsets, columns, strict=True)}
    if not columns or len(columns) >= len(outcome):
        return alone
    lengths = [float(column.norm()) for column in columns]
    design = torch.stack([c / n for c, n in zip(columns, lengths, strict=True)], dim=1)
    if float(torch.linalg.svdvals(design)[-1]) < 0.1:  # two genes moved together
        return alone
    together = torch.linalg.lstsq(design, y[:, None]).solution[:, 0].tolist()
    return {at: s / n for at, s, n in zip(offsets, together, lengths, strict=True)}


def _columns(facts: Facts, gene: Gene) -> list[Column]:
    if not gene.varies:
        return []
    if gene.is_continuous:
        last = facts.values[-1][gene.name]
        length = SMALL * gene.unit
        higher = number(gene.value_at(gene.latent(last) + length))
        return [Column(gene, f"from {number(last)} to {higher}", length)]
    choices = gene.choices
    chosen = choices[1:] if len(choices) == 2 else choices
    others = number(choices[0]) if len(choices) == 2 else "another choice"
    return [Column(gene, f"{number(one)} instead of {others}", 1.0, one) for one in chosen]


def _centred(numbers: Sequence[float]) -> list[float]:
    mean = math.fsum(numbers) / len(numbers)
    return [number - mean for number in numbers]
