"""The columns of the table: what they show of a point, and where it lies on their scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from clantune_clan.records import RunStart
from clantune_core import AbstractAllele, ContinuousAllele, DiscreteAllele
from clantune_report import wording
from clantune_report.watch.rows import Point, Row
from clantune_report.watch.sparkline import Height

DIGITS = 3
"""Digits of the values of genes, which are often many columns."""


@attrs.frozen(kw_only=True)
class Column:
    """A column of the table: the metric, or a gene.

    Attributes:
        name: Heading.
        value: Function that returns what the column shows of a point; None for nothing.
        height: Function that returns where a value lies on the scale of the sparklines.
        written: Function that returns a value as text.
    """

    name: str
    value: Callable[[Point], Any]
    height: Callable[[Any], float]
    written: Callable[[Any], str]

    def heights(self, row: Row) -> list[Height]:
        """Return the heights of a row's sparkline."""
        values = [None if point is None else self.value(point) for point in row.points]
        return [None if value is None else self.height(value) for value in values]

    def text(self, row: Row) -> str:
        """Return the latest value of a row as text."""
        shown = next((point for point in reversed(row.points) if point is not None), None)
        value = None if shown is None else self.value(shown)
        return "-" if value is None else self.written(value)


def columns_of(start: RunStart, genes: Sequence[str], rows: Sequence[Row]) -> list[Column]:
    """Return the columns: the metric, and some genes.

    Args:
        start: Settings of the run.
        genes: Names of the genes to show.
        rows: Rows to show.
    """
    return [_metric(start, rows), *(_gene(name, start.genes[name]) for name in genes)]


def _metric(start: RunStart, rows: Sequence[Row]) -> Column:
    points = [point for row in rows for point in row.points if point is not None]
    finite = [p.metric for p in points if p.metric is not None and math.isfinite(p.metric)]
    are_positive = all(metric > 0.0 for metric in finite)
    return Column(
        name=wording.metric_name(start),
        value=lambda point: point.metric,
        # On a logarithmic scale the end of a run still shows differences.
        height=lambda metric: math.log(metric) if are_positive and metric > 0.0 else metric,
        written=wording.metric,
    )


def _gene(name: str, allele: AbstractAllele) -> Column:
    return Column(
        name=name,
        value=lambda point: point.genes.get(name),
        height=lambda value: _height(allele, value),
        written=lambda value: wording.number(value, DIGITS),
    )


def _height(allele: AbstractAllele, value: Any) -> float:
    """Return the place of a value on the latent line, or in the list of choices."""
    if isinstance(allele, ContinuousAllele):
        return allele.to_latent(value)
    if isinstance(allele, DiscreteAllele) and value in allele.choices:
        return float(allele.choices.index(value))
    return 0.0
