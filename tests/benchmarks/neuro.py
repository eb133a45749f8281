"""Replay, evaluation and memory of neuroevolution: what `clantune neuro bench` measures.

`--quick` is a glance with small networks. Times are of one processor, on one thread, in turns.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from _report import PACKAGES, Bar, report, show_progress

from clantune_neuro.benchmark import chain, evaluate, noise, population
from clantune_neuro.gates import Gate, Report


def reports(*, quick: bool) -> list[Report]:
    """Return the report of each benchmark."""
    if quick:
        return [
            noise.measure(weights=32_768, repeats=5, progress=_ignore),
            chain.measure(weights=4_096, generations=60, cap=2**18, progress=_ignore),
            evaluate.measure(
                population=16, inputs=32, hidden=16, batches=[8], repeats=2, progress=_ignore
            ),
            population.measure(
                members=16, weights=4_096, parents=4, points=2, limit_gb=4.0, progress=_ignore
            ),
        ]
    return [
        noise.measure(weights=605_184, repeats=31, progress=_ignore),
        chain.measure(weights=605_184, generations=1_000, cap=2**25, progress=_show),
        evaluate.measure(
            population=256,
            inputs=784,
            hidden=128,
            batches=[32, 500],
            repeats=7,
            progress=_ignore,
        ),
        population.measure(
            members=1_000, weights=4_051_968, parents=20, points=2, limit_gb=4.0, progress=_ignore
        ),
    ]


def bar_of(gate: Gate) -> Bar:
    """Return a gate as a bar, whose name says if the figure must reach it."""
    name = gate.name if gate.relation == "at most" else f"{gate.name}, {gate.relation}"
    return {"name": name, "value": gate.value, "bar": gate.limit, "holds": gate.holds}


def rows_of(found: Report) -> list[Sequence[object]]:
    """Return the table of a report as rows of five columns."""
    return [[*line, *[""] * (5 - len(line))] for line in found.lines]


def _ignore(_done: int, _total: int) -> None:
    """Show no progress."""


def _show(done: int, total: int) -> None:
    show_progress(done, total, "generations")


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    found = reports(quick=parser.parse_args().quick)
    rows: list[Sequence[object]] = [["benchmark", "", "", "", ""]]
    for each in found:
        rows += [[each.title, "", "", "", ""], *rows_of(each)]
    figures = {each.title: each.to_plain() for each in found}
    bars = [bar_of(gate) for each in found for gate in each.gates]
    return report("Neuroevolution", rows, figures, bars, (*PACKAGES, "numpy", "torch"))


if __name__ == "__main__":
    raise SystemExit(main())
