"""The learning rate of each step, with warm-up and cooldown."""

from __future__ import annotations

from collections.abc import Sequence

from clantune_clan.records import RunStart
from clantune_report.facts import Facts
from clantune_report.genes import Gene
from clantune_report.page.charts import SERIES, Series, Trace, axis, chart, line, step_axis
from clantune_report.page.text import in_chart, in_html, rounded
from clantune_report.wording import listed

SAMPLES = 400
"""Steps that a line is drawn through, besides the first and last ones of rounds."""


def rates(facts: Facts, genes: Sequence[Gene]) -> str:
    """Return the chart with its heading; an empty text if no gene sets a learning rate."""
    rates = [gene for gene in genes if gene.is_rate][: len(SERIES)]
    if not rates or not facts.rounds:
        return ""
    lines = [_line(facts, gene, each) for gene, each in zip(rates, SERIES, strict=False)]
    used = _used(facts)
    return "\n".join(
        (
            "<h3>The learning rate of each step</h3>",
            f"<p>{_explained(facts.start)}</p>",
            chart(
                "learning-rate",
                "learning rate over steps",
                [*lines, *used],
                step_axis(facts),
                axis("learning rate", exponentformat="power", rangemode="tozero"),
                showlegend=True,
            ),
        )
    )


def _explained(start: RunStart) -> str:
    if start.ramp.end is not None:
        gene = (
            "The optimizer uses the value of the gene times a factor, which rises from 0 to 1 in "
            "the warm-up and falls to 0 in the cooldown: this is the line."
        )
    elif start.schedulers:
        gene = (
            "The line is the value of the gene. The optimizer uses it times the factor of "
            f"{in_html(listed(start.schedulers))}, which the run has as scheduler."
        )
    else:
        gene = "The line is the value of the gene; the run has no warm-up or cooldown of its own."
    return (
        f"{gene} A symbol is the rate in the last step of a round, one for each group of "
        "parameters with its own rate. A symbol that is off the line belongs to a group with "
        "another rate, or comes from a scheduler of your script."
    )


def _line(facts: Facts, gene: Gene, series: Series) -> Trace:
    ramp = facts.start.ramp
    every = max(1, facts.steps // SAMPLES)
    x: list[int] = []
    y: list[float | None] = []
    for records, values in zip(facts.rounds, facts.values, strict=True):
        begin, end = facts.begins(records), facts.ends(records)
        steps = [*range(begin, end, every), end - 1]
        x += [*steps[:-1], end]
        y += [rounded(values[gene.name] * ramp.factor(step + ramp.start)) for step in steps]
    look = {"color": series.colour, "dash": series.dash, "width": 2.5}
    return line(in_chart(gene.name), x, y, line=look)


def _used(facts: Facts) -> list[Trace]:
    """Return the rates that optimizers used: those of the lineage, or the mean of the members."""
    places = range(len(facts.lineage) or len(facts.rounds))
    found: dict[tuple[float | None, ...], int] = {}
    for group in range(min(len(each.learning_rates) for all_ in facts.rounds for each in all_)):
        column = []
        for place in places:
            records = facts.rounds[place]
            own = [records[facts.lineage[place]]] if facts.lineage else records
            mean = sum(each.learning_rates[group] for each in own) / len(own)
            column.append(rounded(mean))
        found.setdefault(tuple(column), group)
    x = [facts.ends(facts.rounds[place]) - 1 for place in places]
    return [
        line(
            f"used by group {group}",
            x,
            [*column],
            mode="markers",
            marker={"symbol": series.symbol, "color": series.colour, "size": 7},
        )
        for (column, group), series in zip(found.items(), SERIES, strict=False)
    ]
