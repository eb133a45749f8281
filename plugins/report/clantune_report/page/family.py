"""The family tree: whose weights the members of the next round inherit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clantune_clan.records import RoundRecord
from clantune_report.facts import Facts, has_failed
from clantune_report.page.charts import DARK, GREY, Trace, line
from clantune_report.page.shared_mean import TITLE, by_round, shared_mean
from clantune_report.page.text import percent, section
from clantune_report.page.tree import Edge, edges_of, survivors, weights_of
from clantune_report.wording import metric

MOST_SYMBOLS = 1500
"""Members of all rounds up to which each of them has a symbol, and each line is drawn."""


def family(facts: Facts) -> str:
    """Return the section: a tree, or who took part if members inherit the mean."""
    if facts.start.members < 2 and facts.most_members < 2:
        return section(TITLE, "A clan of one member has no family tree.")
    if not facts.rounds:
        return section(TITLE, "No round is complete yet.")
    if facts.is_mean and all(_share_a_centre(records) for records in facts.rounds):
        return shared_mean(facts)
    return _tree(facts)


def _share_a_centre(records: Sequence[RoundRecord]) -> bool:
    return len({record.parents for record in records}) == 1


def _tree(facts: Facts) -> str:
    edges = edges_of(facts)
    is_large = len(edges) > MOST_SYMBOLS
    alive = survivors(facts, edges)
    living: list[Edge] = []
    ended: list[Edge] = []
    for edge in edges:
        is_alive = edge.child in alive[edge.place + 1]
        (living if is_alive else ended).append(edge)
    pairs = zip(facts.lineage, facts.lineage[1:], strict=False)
    main = [Edge(place, *pair, 1.0) for place, pair in enumerate(pairs)]
    traces = [
        _lines(
            facts,
            "ends before the last round",
            [] if is_large else ended,
            {"width": 1, "dash": "dot"},
        ),
        _lines(facts, "lives on in the last round", living, {"width": 1.3}),
    ]
    if main:
        traces.append(_lines(facts, "way to the best weights", main, {"width": 4}))
    traces.append(_symbols(facts))
    return section(
        TITLE,
        "Each row is a place for a member, and time runs to the right. After a round a member goes "
        "on with its own weights, which is a horizontal line, or gets a copy of the weights of "
        "another member, which is a line from that member. The thick line leads to the best "
        "weights of the run; the other members contributed to it through the shared gradients."
        + (" Only lines of descent that reach the last round are drawn." if is_large else ""),
        by_round(facts, [trace for trace in traces if trace["x"]]),
    )


def _lines(facts: Facts, name: str, edges: Iterable[Edge], look: dict[str, object]) -> Trace:
    x: list[int | None] = []
    y: list[int | None] = []
    for edge in edges:
        round_ = facts.rounds[edge.place][0].round
        x += [round_, round_ + 1, None]
        y += [edge.parent, edge.child, None]
    return line(name, x[:-1], y[:-1], line={"color": DARK, **look}, hoverinfo="skip")


def _symbols(facts: Facts) -> Trace:
    """Return a symbol for each member, or in a large run for the best lineage only."""
    every = [record for records in facts.rounds for record in records]
    if len(every) > MOST_SYMBOLS:
        every = [all_[m] for all_, m in zip(facts.rounds, facts.lineage, strict=False)]
    lineage = {(facts.rounds[at][0].round, m) for at, m in enumerate(facts.lineage)}
    is_main = [(record.round, record.member) in lineage for record in every]
    symbols = [
        "x" if has_failed(record) else "circle" if main else "circle-open"
        for record, main in zip(every, is_main, strict=True)
    ]
    return line(
        "member",
        [record.round for record in every],
        [record.member for record in every],
        mode="markers",
        marker={
            "symbol": symbols,
            "size": [8 if main else 6 for main in is_main],
            "color": [DARK if main else GREY for main in is_main],
            "opacity": 1,
        },
        hovertext=[_hover(facts, record) for record in every],
        hoverinfo="text",
        showlegend=False,
    )


def _hover(facts: Facts, record: RoundRecord) -> str:
    weights = ", ".join(f"{m} ({percent(share)})" for m, share in weights_of(record))
    genes = ", ".join(f"{m} ({percent(share)})" for m, share in record.parents)
    return (
        f"member {record.member}, round {record.round}<br>{facts.metric} {metric(record.metric)}"
        f"<br>next weights from member {weights}<br>next genes from member {genes}"
    )
