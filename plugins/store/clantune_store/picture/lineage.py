"""The ancestors of the best group, as a tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clantune_store.extras import extra
from clantune_store.picture.facts import Facts
from clantune_store.picture.style import DARK, chart
from clantune_store.picture.text import in_chart, value_text
from clantune_store.picture.tree import Tree, tree_of
from clantune_store.printable import counted

Places = Mapping[int, tuple[float, float]]


def descent(facts: Facts) -> str:
    """Return the section with the chart."""
    best = facts.standings[0].group
    title = "<h2>Where the best group comes from</h2>"
    tree = tree_of(best, facts.parents)
    if len(tree.rows) < 2:
        return f"{title}<p>Group {best} was not bred here, so it has no ancestors.</p>"
    hidden = (
        f" {counted(tree.hidden, 'more ancestor')} with small shares not drawn."
        if tree.hidden
        else ""
    )
    return (
        f"{title}<p>The diamond is group {best}, and each group stands above its parents. A thick "
        "line leads to the parent with the largest share, a dotted one to another. A square was "
        f"loaded, and a circle was bred.{hidden}</p>"
        + chart("lineage", _traces(facts, tree), _bare(), _bare(), 90 + 70 * len(tree.rows))
    )


def _traces(facts: Facts, tree: Tree) -> list[Any]:
    places = {
        number: ((at + 0.5) / len(row), -depth)
        for depth, row in enumerate(tree.rows)
        for at, number in enumerate(row)
    }
    first: dict[int, int] = {}
    for child, parent in tree.lines:
        first.setdefault(child, parent)
    main = [*first.items()]
    others = [line for line in tree.lines if line not in main]
    return [
        _lines(others, places, {"width": 1.2, "dash": "dot"}),
        _lines(main, places, {"width": 2.5}),
        _nodes(facts, tree, places),
    ]


def _lines(lines: Sequence[tuple[int, int]], places: Places, style: Mapping[str, Any]) -> Any:
    ends = [(places[child], places[parent], (None, None)) for child, parent in lines]
    points = [point for line in ends for point in line]
    return extra("plotly.graph_objects", "report").Scatter(
        x=[x for x, _ in points],
        y=[y for _, y in points],
        mode="lines",
        line={"color": DARK, **style},
        hoverinfo="skip",
        showlegend=False,
    )


def _nodes(facts: Facts, tree: Tree, places: Places) -> Any:
    best = facts.standings[0].group
    standings = {each.group: each for each in facts.standings}
    texts, symbols = [], []
    for number in places:
        own = standings.get(number)
        values = (
            ""
            if own is None
            else "".join(
                f"<br>{in_chart(dataset or facts.metric)}: {value_text(value)}"
                for dataset, value in [*own.best.items()][:6]
            )
        )
        bred = facts.origins.get(number) != "load"
        texts.append(f"group {number}, share {tree.shares[number]:.0%}{values}")
        symbols.append("diamond" if number == best else "circle" if bred else "square")
    return extra("plotly.graph_objects", "report").Scatter(
        x=[x for x, _ in places.values()],
        y=[y for _, y in places.values()],
        text=[str(number) for number in places],
        mode="markers+text",
        textposition="middle center",
        textfont={"size": 11},
        marker={
            "symbol": symbols,
            "size": [40 if number == best else 30 for number in places],
            "color": "white",
            "opacity": 1,
            "line": {"color": DARK, "width": 2},
        },
        cliponaxis=False,
        hovertext=texts,
        hoverinfo="text",
        showlegend=False,
    )


def _bare() -> dict[str, Any]:
    return {"visible": False, "fixedrange": True}
