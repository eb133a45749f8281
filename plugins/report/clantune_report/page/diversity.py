"""How much the members differ."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from clantune_report.facts import Facts
from clantune_report.genes import Gene, genes_of
from clantune_report.page.charts import SERIES, Trace, axis, chart, line, step_axis
from clantune_report.page.text import in_chart, rounded, section
from clantune_report.page.tree import edges_of, founders, weights_of

TITLE = "Diversity"


def diversity(facts: Facts) -> str:
    """Return the section: the spread of each gene, and how many lines of descent are left."""
    if facts.most_members < 2:
        return section(TITLE, "A clan of one member has no diversity.")
    varying = [gene for gene in genes_of(facts) if gene.varies]
    if not varying:
        return section(TITLE, "No gene of this run varies.")
    continuous = [gene for gene in varying if gene.is_continuous]
    discrete = [gene for gene in varying if not gene.is_continuous]
    parts = []
    if continuous:
        parts.append(_explained(continuous))
        parts += _charts(facts, "spread", "spread (standard deviation)", continuous)
    if discrete:
        parts.append(
            "For a gene with choices, the chart shows the share of members whose choice is not the "
            "most frequent one."
        )
        parts += _charts(facts, "minority", "share with another choice", discrete)
    return section(
        TITLE,
        "A run learns only from the differences between its members. Where a line is at 0, all "
        "members have the same value of the gene, and the run learns nothing about it. Equal lines "
        "cover each other.",
        *parts,
        *_descent(facts),
    )


def _explained(genes: Sequence[Gene]) -> str:
    text = (
        "The spread of a gene is the standard deviation of its values over the members of a round. "
        "On a logarithmic scale, which a learning rate has, 0.1 means that members differ by about "
        "10&nbsp;%."
    )
    plain = [gene for gene in genes if gene.unit != 1.0]
    if plain:
        text += " Of a gene on a plain scale, 0.1 is 1&nbsp;% of its range."
    return text


def _charts(facts: Facts, name: str, title: str, genes: Sequence[Gene]) -> list[str]:
    x = [facts.ends(records) for records in facts.rounds]
    found = []
    for place in range(0, len(genes), len(SERIES)):
        some = genes[place : place + len(SERIES)]
        traces = [
            _curve(in_chart(gene.name), x, [_spread(gene, v) for v in gene.values], at)
            for at, gene in enumerate(some)
        ]
        y = axis(title, rangemode="tozero")
        label = f"{title} of genes over steps"
        found.append(chart(f"{name}-{place}", label, traces, step_axis(facts), y, showlegend=True))
    return found


def _curve(name: str, x: Sequence[int], y: Sequence[float], at: int) -> Trace:
    series = SERIES[at]
    marker = {"symbol": series.symbol, "size": 7, "color": series.colour}
    look = {"line": {"color": series.colour, "dash": series.dash, "width": 2}, "marker": marker}
    mode = "lines+markers" if len(x) <= 60 else "lines"
    return line(name, x, [rounded(each) for each in y], mode=mode, **look)


def _spread(gene: Gene, values: Sequence[object]) -> float:
    if gene.is_continuous:
        return statistics.pstdev(map(gene.latent, values)) / gene.unit
    return 1.0 - max(map(values.count, values)) / len(values)


def _descent(facts: Facts) -> list[str]:
    """Return the chart of the lines of descent."""
    x = [facts.ends(records) for records in facts.rounds]
    genomes = [len({repr(sorted(r.genes.items())) for r in records}) for records in facts.rounds]
    parents = [
        len({m for record in records for m, _ in weights_of(record)}) for records in facts.rounds
    ]
    traces = [
        _curve("different genomes", x, genomes, 0),
        _curve("members that pass on weights", x, parents, 1),
    ]
    text = (
        "This chart counts members: how many had different values of genes, and how many passed on "
        "their weights to the next round"
    )
    if not facts.is_mean:
        left = founders(facts, edges_of(facts))
        traces.append(_curve("first members with descendants", x, left, 2))
        text += (
            ", and how many of the first round have descendants. In the end "
            f"{left[-1]} of {left[0]} are left"
        )
    y = axis("members", rangemode="tozero", dtick=1 + facts.most_members // 8)
    label = "members with descendants over steps"
    return [f"{text}.", chart("descent", label, traces, step_axis(facts), y, showlegend=True)]
