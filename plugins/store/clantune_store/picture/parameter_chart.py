"""One parameter against the metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clantune_store.database.canonical import canonical
from clantune_store.extras import extra
from clantune_store.picture.effects import Effect
from clantune_store.picture.facts import Facts
from clantune_store.picture.progress import hover
from clantune_store.picture.standings import Point
from clantune_store.picture.style import SERIES, axis, chart, thinned
from clantune_store.picture.text import dotted, in_chart, shortened, value_text
from clantune_store.printable import counted, in_html


def parameter_chart(facts: Facts, effect: Effect, at: int) -> str:
    """Return a chart with its heading."""
    several = len(facts.datasets) > 1
    drawn = thinned(effect.points)
    x, places = _places(facts, effect, drawn)
    traces = [
        extra("plotly.graph_objects", "report").Scatter(
            x=[places[point.run] for point in drawn if point.dataset == dataset],
            y=[point.value for point in drawn if point.dataset == dataset],
            name=in_chart(dataset or "no data set"),
            mode="markers",
            marker={"symbol": series.symbol, "color": series.colour, "size": 6, "opacity": 0.6},
            hovertext=[
                f"{in_chart(_value(facts, effect, point))}<br>{hover(point)}"
                for point in drawn
                if point.dataset == dataset
            ],
            hoverinfo="text",
            showlegend=several,
        )
        for dataset, series in zip(facts.datasets, SERIES, strict=False)
    ]
    y = axis(in_chart(facts.metric), [point.value for point in facts.points])
    head = f"<h3>{in_html(dotted(effect.name))}</h3><p>{_said(effect)}</p>"
    return f"<section>{head}{chart(f'parameter-{at}', traces, x, y, 290)}</section>"


def _places(
    facts: Facts, effect: Effect, points: Sequence[Point]
) -> tuple[dict[str, Any], dict[int, float]]:
    """Return the axis, and the place on it of each run; those of options are spread a little."""
    values = {point.run: facts.values[point.group][effect.name] for point in points}
    if not effect.options:
        return axis(in_chart(dotted(effect.name)), [*values.values()]), values
    spread = {run: (at % 7 - 3) * 0.05 for at, run in enumerate(values)}
    places = {
        run: effect.options.index(canonical(value)) + spread[run] for run, value in values.items()
    }
    made = axis(in_chart(dotted(effect.name)))
    made |= {"tickvals": [*range(len(effect.options))], "range": [-0.5, len(effect.options) - 0.5]}
    return made | {"ticktext": [in_chart(plain(text), 14) for text in effect.options]}, places


def plain(option: str) -> str:
    """Return an option as it is written where no other can be meant: texts without quotes."""
    return option[1:-1] if option[:1] == '"' and len(option) > 2 else option


def _short(option: str) -> str:
    return in_html(shortened(plain(option), 20))


def _value(facts: Facts, effect: Effect, point: Point) -> str:
    return value_text(facts.values[point.group][effect.name])


def _said(effect: Effect) -> str:
    runs = counted(len(effect.points), "run")
    if effect.size is None:
        return f"not defined, {runs}"
    if len(effect.options) > 2:
        return f"association of ranks {effect.size:.2f}, {runs}"
    coded = (
        " with {} as 0 and {} as 1".format(*map(_short, effect.options)) if effect.options else ""
    )
    return f"rank correlation {effect.size:+.2f}{coded}, {runs}"
