"""The schedule that a run found.

`demo.json` is the schedule that a run of `clantune demo` has exported.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from _style import BLUE, ORANGE, legend, panels
from matplotlib.figure import Figure

from clantune.demo.character_lm import LR, WEIGHT_DECAY

FILE = Path(__file__).with_name("demo.json")
EVERY = 5
"""Every fifth step is drawn."""


def draw() -> Figure:
    """Draw the learning rate and the weight decay over the steps of the run."""
    schedule: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    steps = range(0, schedule["total_steps"], EVERY)
    figure, (rates, decays) = panels(2, width=6.8, height=2.4)
    genes = [_genes_at(schedule, step) for step in steps]
    ramps = [_ramp(schedule, step) for step in steps]
    rates.plot(
        steps,
        [LR * ramp for ramp in ramps],
        color=ORANGE,
        linestyle="--",
        linewidth=1.2,
        label="without evolution",
    )
    rates.plot(
        steps,
        [each["lr"] * ramp for each, ramp in zip(genes, ramps, strict=True)],
        color=BLUE,
        linewidth=1.8,
        label="schedule that the clan found",
    )
    rates.set(title="learning rate", xlabel="step")
    decays.axhline(WEIGHT_DECAY, color=ORANGE, linestyle="--", linewidth=1.2)
    decays.plot(steps, [each["weight_decay"] for each in genes], color=BLUE, linewidth=1.8)
    decays.set(title="weight decay", xlabel="step", ylim=(0.0, None))
    legend(figure, rates)
    return figure


def _genes_at(schedule: dict[str, Any], step: int) -> dict[str, float]:
    """Return the genes of the last round that starts at the step or before."""
    genes: dict[str, float] = [r for r in schedule["rounds"] if r["step"] <= step][-1]["genes"]
    return genes


def _ramp(schedule: dict[str, Any], step: int) -> float:
    """Return the factor of warm-up and cooldown."""
    steps: int = schedule["total_steps"]
    rise: float = schedule["warmup"] * steps
    fall: float = schedule["cooldown"] * steps
    return min(1.0, (step + 1) / rise, (steps - step) / fall)
