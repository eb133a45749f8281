"""The ancestors of the best group, as a tree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from clantune_store.extras import extra
from clantune_store.groups.lineage import Parent
from clantune_store.picture.facts import Facts
from clantune_store.picture.style import DARK, chart
from clantune_store.picture.text import counted, in_chart, value_text

ACROSS = 8
"""Groups of a generation that are drawn: those with the largest shares."""

DEEP = 12
"""Generations that are drawn."""


@attrs.frozen
class Tree:
    """Groups to draw, and the lines between them.

    Attributes:
        generations: Numbers of groups; the first one is the best group alone.
        shares: How much of the best group comes from each one, by the weights of parents.
        pairs: Lines.
        hidden: How many ancestors are not drawn.
    """

    generations: Sequence[Sequence[int]]
    shares: Mapping[int, float]
    pairs: Sequence[Parent]
    hidden: int


def descent(facts: Facts) -> str:
    """Return the section with the chart."""
    best = facts.standings[0].group
    title = "<h2>Where the best group comes from</h2>"
    tree = tree_of(best, facts.parents)
    if len(tree.generations) < 2:
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
        + chart("lineage", _traces(facts, tree), _bare(), _bare(), 90 + 70 * len(tree.generations))
    )


def tree_of(best: int, parents: Sequence[Parent]) -> Tree:
    """Return what is drawn of the ancestors of a group."""
    of_child: defaultdict[int, list[Parent]] = defaultdict(list)
    for pair in parents:
        if pair.child is not None and pair.parent is not None:
            of_child[pair.child].append(pair)
    shares, generations = {best: 1.0}, [[best]]
    while generations[-1] and len(generations) <= DEEP:
        below: defaultdict[int, float] = defaultdict(float)
        for child in generations[-1]:
            for pair in of_child[child]:
                if pair.parent is not None and pair.parent not in shares:
                    below[pair.parent] += shares[child] * pair.weight
        kept = sorted(below, key=lambda number: (-below[number], number))[:ACROSS]
        shares |= {number: below[number] for number in kept}
        generations.append(kept)
    drawn = [generation for generation in generations if generation]
    pairs = [pair for child in shares for pair in of_child[child] if pair.parent in shares]
    known = {pair.parent for pair in parents}
    return Tree(drawn, shares, pairs, len(known - shares.keys()))


def _traces(facts: Facts, tree: Tree) -> list[Any]:
    scatter = extra("plotly.graph_objects", "report").Scatter
    places = {
        number: ((at + 0.5) / len(generation), -depth)
        for depth, generation in enumerate(tree.generations)
        for at, number in enumerate(_ordered(generation, tree))
    }
    first: dict[int | None, Parent] = {}
    for pair in tree.pairs:
        known = first.get(pair.child)
        if known is None or pair.weight > known.weight:
            first[pair.child] = pair
    lines = []
    for main, line in ((True, {"width": 2.5}), (False, {"width": 1.2, "dash": "dot"})):
        own = [pair for pair in tree.pairs if (first[pair.child].parent == pair.parent) is main]
        ends = [places[end] for pair in own for end in (pair.child, pair.parent) if end is not None]
        x: list[float | None] = []
        y: list[float | None] = []
        for at, (right, up) in enumerate(ends, 1):
            x += [right] if at % 2 else [right, None]
            y += [up] if at % 2 else [up, None]
        lines.append(
            scatter(
                x=x,
                y=y,
                mode="lines",
                line={"color": DARK, **line},
                hoverinfo="skip",
                showlegend=False,
            )
        )
    return [*lines, _nodes(facts, tree, places)]


def _ordered(generation: Sequence[int], tree: Tree) -> list[int]:
    """Return a generation in an order that keeps parents near their first child."""
    order = [pair.parent for pair in tree.pairs]
    return sorted(generation, key=lambda number: order.index(number) if number in order else -1)


def _nodes(facts: Facts, tree: Tree, places: Mapping[int, tuple[float, float]]) -> Any:
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
            "line": {"color": DARK, "width": 2},
        },
        cliponaxis=False,
        hovertext=texts,
        hoverinfo="text",
        showlegend=False,
    )


def _bare() -> dict[str, Any]:
    return {"visible": False, "fixedrange": True}
