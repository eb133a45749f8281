"""Each parameter against the metric, with its rank correlation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clantune_store.database.canonical import canonical
from clantune_store.extras import extra
from clantune_store.picture.effects import Effect, effects_of
from clantune_store.picture.facts import Facts
from clantune_store.picture.progress import hover
from clantune_store.picture.ranks import FEWEST
from clantune_store.picture.standings import Point
from clantune_store.picture.style import SERIES, axis, chart, thinned
from clantune_store.picture.text import counted, dotted, in_chart, shortened, value_text
from clantune_store.printable import in_html
from clantune_store.questions.page import table

CHARTS = 10
MOST_OPTIONS = 12
"""Options that an axis names; a parameter with more of them is only in the table."""


def parameters(facts: Facts) -> str:
    """Return the section: charts of the strongest parameters, a table of the others."""
    title = "<h2>Parameters and the metric</h2>"
    if len(facts.points) < FEWEST:
        runs = counted(len(facts.points), "run")
        return (
            f"{title}<p>A rank correlation needs {FEWEST} runs with a value; there "
            f"{'is' if len(facts.points) == 1 else 'are'} {runs}.</p>"
        )
    effects, same = effects_of(facts)
    known = [effect for effect in effects if effect.size is not None]
    drawn = [effect for effect in known if len(effect.options) <= MOST_OPTIONS][:CHARTS]
    others = [effect for effect in effects if effect not in drawn]
    parts = [title, _explained(facts)]
    if not known:
        parts.append("<p>No parameter has values that differ, so nothing goes with the metric.</p>")
    charts = "\n".join(_one(facts, effect, at) for at, effect in enumerate(drawn))
    parts.append(f'<div class="grid">{charts}</div>' if drawn else "")
    if others:
        rows = ([f"<td>{cell}</td>" for cell in _cells(effect)] for effect in others)
        parts.append("<h3>Other parameters</h3>")
        parts.append(table(["parameter", "rank correlation", "runs", "values"], rows))
    if same:
        names = ", ".join(in_html(dotted(name)) for name in same)
        parts.append(f"<details><summary>{_same(len(same))}</summary><p>{names}</p></details>")
    return "\n".join(parts)


def _one(facts: Facts, effect: Effect, at: int) -> str:
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
    return made | {"ticktext": [in_chart(_plain(text), 14) for text in effect.options]}, places


def _plain(option: str) -> str:
    """Return an option as it is written where no other can be meant: texts without quotes."""
    return option[1:-1] if option[:1] == '"' and len(option) > 2 else option


def _value(facts: Facts, effect: Effect, point: Point) -> str:
    return value_text(facts.values[point.group][effect.name])


def _said(effect: Effect) -> str:
    runs = counted(len(effect.points), "run")
    if effect.size is None:
        return f"not defined, {runs}"
    if len(effect.options) > 2:
        return f"association of ranks {effect.size:.2f}, {runs}"
    return f"rank correlation {effect.size:+.2f}, {runs}"


def _cells(effect: Effect) -> list[str]:
    size = "not defined" if effect.size is None else f"{effect.size:+.2f}"
    if len(effect.options) > 2 and effect.size is not None:
        size = f"{effect.size:.2f} (association)"
    values = "numbers"
    if effect.options:
        options = ", ".join(shortened(_plain(text), 20) for text in effect.options[:4])
        more = len(effect.options) - 4
        values = f"{options} and {more} more" if more > 0 else options
    return [in_html(dotted(effect.name)), size, str(len(effect.points)), in_html(values)]


def _explained(facts: Facts) -> str:
    several = (
        " Ranks are those within a data set, since values of two data sets may not be comparable."
        if len(facts.datasets) > 1
        else ""
    )
    return (
        "<p>Spearman's rank correlation, from -1 to 1: above 0, larger values of the parameter go "
        "with a larger metric. Options have an association from 0 to 1. It says what went together "
        f"in these runs, and not what is the cause.{several}</p>"
    )


def _same(count: int) -> str:
    return f"{counted(count, 'parameter')} with the same value in all runs"
