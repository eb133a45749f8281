"""The values of each gene over the steps of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clantune_report.facts import Facts
from clantune_report.genes import Gene, genes_of
from clantune_report.page.charts import DARK, Trace, axis, chart, line, step_axis
from clantune_report.page.members import said_of_members, steps_of_members
from clantune_report.page.rates import rates
from clantune_report.page.scales import placed, scale
from clantune_report.page.text import in_html, rounded, section
from clantune_report.wording import counted, listed

TITLE = "The schedule of each gene"


def schedules(facts: Facts) -> str:
    """Return the section: a chart for each gene that varies, and one for learning rates."""
    genes = genes_of(facts)
    if not genes:
        return section(TITLE, "This run has no genes.")
    varying = [gene for gene in genes if gene.varies]
    fixed = [gene.name for gene in genes if not gene.varies]
    charts = "\n".join(_chart(facts, gene, at) for at, gene in enumerate(varying))
    same = f"The same in all members and rounds: {listed(map(in_html, fixed))}." if fixed else ""
    return section(
        TITLE,
        "A gene is a setting of the training, such as the learning rate. A thin grey line is the "
        f"value of one member; it can change at the end of each round.{said_of_members(facts)} "
        + said_of_main(facts),
        f'<div class="grid">{charts}</div>' if charts else "",
        same,
        rates(facts, genes),
    )


def said_of_main(facts: Facts) -> str:
    """Return what the thick line is."""
    if facts.is_mean:
        return (
            "The thick line is the centre, the mean of all members: it is the schedule that was "
            "found. The star is the end of the round with the best result."
        )
    best = (
        "The thick line follows the member whose weights became the best ones, from round to round"
    )
    return (
        f"{best}: it is the schedule that was found. The star is the end of the round with the "
        "best result; after it the line is dotted, and the schedule keeps its values."
    )


def _chart(facts: Facts, gene: Gene, at: int) -> str:
    traces = [
        steps_of_members(facts, lambda record: placed(gene, record.genes[gene.name])),
        *main_lines(facts, [placed(gene, values[gene.name]) for values in facts.values]),
    ]
    y = axis("", exponentformat="power", **scale(gene))
    head = f"<h3>{in_html(gene.name)}</h3>"
    x = step_axis(facts)
    said = f"{gene.name} over {counted(facts.steps, 'step')}"
    drawn = chart(f"gene-{at}", said, traces, x, y, 260, showlegend=False)
    return f"<section>{head}{drawn}</section>"


def main_lines(facts: Facts, values: Sequence[Any]) -> list[Trace]:
    """Return the line of the schedule, with the best round marked.

    Args:
        facts: What the page shows.
        values: Value of the schedule in each round, as the chart places it.
    """
    found = len(facts.lineage) or len(values)
    name = "centre" if facts.is_mean else "way to the best weights"
    traces = [_main(facts, values, 0, found, name, {"width": 3})]
    if found < len(values):
        held = _main(facts, values, found, len(values), "kept afterwards", {"dash": "dot"})
        traces.append(held)
    if facts.winner is not None:
        at = facts.winner.place
        x, y = facts.ends(facts.rounds[at]), rounded(values[at])
        traces.append(best_mark([x], [y]))
    return traces


def best_mark(x: Sequence[Any], y: Sequence[Any]) -> Trace:
    """Return the symbol of the best round."""
    marker = {"symbol": "star", "size": 13, "color": "white", "line": {"color": DARK, "width": 1.5}}
    return line("best round", x, y, mode="markers", marker=marker, hoverinfo="skip")


def _main(
    facts: Facts, values: Sequence[Any], begin: int, end: int, name: str, look: dict[str, Any]
) -> Trace:
    x: list[int] = []
    y: list[float | None] = []
    for place in range(begin, end):
        x += [facts.begins(facts.rounds[place]), facts.ends(facts.rounds[place])]
        y += [rounded(values[place])] * 2
    template = "step %{x}: %{y}<extra>" + name + "</extra>"
    return line(name, x, y, line={"color": DARK, **look}, hovertemplate=template)
