"""The axis of a gene: that of its latent line, where equal steps mean the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from clantune_core import LogFloatAllele
from clantune_report.genes import Gene
from clantune_report.page.text import in_chart
from clantune_report.wording import number

TICKS = 5

FEWEST = 3
"""Powers of ten, and their doubles and halves, that are enough to label a logarithmic axis."""


def placed(gene: Gene, value: Any) -> float:
    """Return where the axis of a gene has a value."""
    is_drawn_as_it_is = gene.is_plain or isinstance(gene.allele, LogFloatAllele)
    return value if is_drawn_as_it_is else gene.latent(value)


def scale(gene: Gene) -> dict[str, Any]:
    """Return the axis of a gene, labelled with values."""
    if isinstance(gene.allele, LogFloatAllele):
        return logarithmic([*gene.every_value()])
    if gene.is_plain:
        return {"type": "linear"}
    if gene.is_continuous:
        ticks = _ticks(gene)
        return {"tickvals": [*map(gene.latent, ticks)], "ticktext": [*map(number, ticks)]}
    labels = [in_chart(number(choice), 12) for choice in gene.choices]
    ends = [-0.4, len(labels) - 0.6]
    return {"tickvals": [*range(len(labels))], "ticktext": labels, "range": ends}


def logarithmic(values: Sequence[float]) -> dict[str, Any]:
    """Return a logarithmic axis with labels that are easy to read.

    Args:
        values: What is drawn, above 0.
    """
    low, high = math.log10(min(values)), math.log10(max(values))
    digits = (1, 2, 5) if high - low < 2.0 else (1,)
    every = 1 + int(high - low) // 7
    powers = range(math.floor(low) - 1, math.ceil(high) + 2, every)
    ticks = [float(f"{digit}e{power}") for power in powers for digit in digits]
    if sum(low <= math.log10(tick) <= high for tick in ticks) < FEWEST:
        parts = (low + (high - low) * part / FEWEST for part in range(FEWEST + 1))
        ticks = sorted({float(f"{10.0**part:.2g}") for part in parts})
    margin = max(0.05 * (high - low), 0.03)
    return {
        "type": "log",
        "tickvals": ticks,
        "ticktext": [*map(number, ticks)],
        "range": [low - margin, high + margin],
    }


def _ticks(gene: Gene) -> list[float]:
    """Return values with few digits that lie evenly on the latent line."""
    places = [*map(gene.latent, gene.every_value())]
    gap = (max(places) - min(places)) / (TICKS - 1)
    return [_short(gene, min(places) + gap * tick, 0.2 * gap) for tick in range(TICKS)]


def _short(gene: Gene, latent: float, tolerance: float) -> float:
    """Return the value with the fewest digits that lies near a point of the latent line."""
    low, high = gene.allele.domain
    exact = gene.value_at(latent)
    for digits in (1, 2, 3, 4):
        short = float(f"{exact:.{digits}g}")
        if low <= short <= high and abs(gene.latent(short) - latent) <= tolerance:
            return short
    return exact
