"""The section about effects: what the rounds measured and how certain it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from clantune_report.facts import Facts
from clantune_report.page.charts import DARK, GREY, Trace, axis, chart, line, step_axis
from clantune_report.page.effect import ENOUGH, Effect
from clantune_report.page.effect_sentences import caution, direction, factor, sentence
from clantune_report.page.effects import effects_of, has_logarithm
from clantune_report.page.text import in_chart, in_html, rounded, section

TITLE = "What the rounds measured"


def measured(facts: Facts) -> str:
    """Return the section: one chart of all effects, and one for the course of each."""
    effects = effects_of(facts)
    if not effects:
        why = "no round is complete" if not facts.rounds else "the members had equal genes"
        return section(TITLE, f"Nothing was measured: {why}.")
    is_log = has_logarithm(facts)
    sentences = "\n".join(f"<li>{sentence(facts, each, is_log=is_log)}</li>" for each in effects)
    courses = "\n".join(_course(facts, e, at, is_log=is_log) for at, e in enumerate(effects))
    return section(
        TITLE,
        "Each round is an experiment: members with different values of a gene end with another "
        f"{facts.metric}. The effect of a gene is how much the "
        f"{facts.metric} at the end of a round changes when the gene is a small step higher and "
        "the other genes stay the same.",
        _overview(facts, effects, is_log=is_log),
        f"The dot is the mean over all rounds: {direction(facts)} of 0, a higher value of the "
        "gene was better. The line around the dot is its 95&nbsp;% interval, from the differences "
        "between rounds. If the interval contains 0, the effect may be chance, and the dot is "
        "empty.",
        f"<ul>{sentences}</ul>",
        caution(facts, effects),
        "<h3>Round by round</h3>",
        "A dot is the effect in one round. The thick line is the mean up to this round, and the "
        "dashed lines are its 95&nbsp;% interval.",
        f'<div class="grid">{courses}</div>',
    )


def _unit(facts: Facts, *, is_log: bool) -> str:
    return "loss change, %" if is_log else f"{facts.metric} change"


def _overview(facts: Facts, effects: Sequence[Effect], *, is_log: bool) -> str:
    times = factor(is_log=is_log)
    margins = [each.margin() for each in effects]
    rows = [*range(len(effects))]
    dots = line(
        "effect",
        [rounded(times * each.mean()) for each in effects],
        rows,
        mode="markers",
        marker={
            "symbol": ["circle" if each.is_certain else "circle-open" for each in effects],
            "size": 11,
            "color": DARK,
        },
        error_x={
            "type": "data",
            "array": [rounded(times * margin) if margin else 0.0 for margin in margins],
            "color": DARK,
            "thickness": 2,
            "width": 6,
        },
        hovertext=[f"{in_chart(each.gene)}<br>{in_chart(each.step)}" for each in effects],
        hoverinfo="text+x",
    )
    x = axis(_unit(facts, is_log=is_log), zeroline=True, zerolinecolor=DARK, zerolinewidth=1)
    y = axis(
        "",
        tickvals=rows,
        ticktext=[_label(each) for each in effects],
        range=[len(effects) - 0.5, -0.5],
    )
    said = "effect of each gene with its interval"
    return chart("effects-all", said, [dots], x, y, 130 + 42 * len(effects))


def _label(effect: Effect) -> str:
    return f"{in_chart(effect.gene)}<br><sub>{in_chart(effect.step)}</sub>"


def _course(facts: Facts, effect: Effect, at: int, *, is_log: bool) -> str:
    times = factor(is_log=is_log)
    x = [facts.ends(facts.rounds[place]) for place in effect.places]
    counts = range(1, len(x) + 1)
    means = [times * effect.mean(count) for count in counts]
    margins = [times * (effect.margin(count) or math.nan) for count in counts]
    look = {"color": DARK, "width": 1.2, "dash": "dash"}
    traces: list[Trace] = [
        line(
            "one round",
            x,
            [rounded(times * slope) for slope in effect.slopes],
            mode="markers",
            marker={"symbol": "circle-open", "size": 7, "color": GREY},
        ),
        line("mean so far", x, [*map(rounded, means)], line={"color": DARK, "width": 3}),
    ]
    # The first intervals, of two or three rounds, are so wide that they would hide all else.
    wide = [m if count >= ENOUGH else math.nan for count, m in zip(counts, margins, strict=True)]
    for sign in (-1.0, 1.0) if len(x) >= ENOUGH else ():
        edge = [rounded(mean + sign * m) for mean, m in zip(means, wide, strict=True)]
        traces.append(
            line("95 % interval", x, edge, line=look, showlegend=sign > 0, hoverinfo="skip")
        )
    y = axis(_unit(facts, is_log=is_log), zeroline=True, zerolinecolor=DARK, zerolinewidth=1)
    said = f"effect of {effect.gene} round by round"
    head = f"<h3>{in_html(effect.gene)}</h3><p>{in_html(effect.step)}</p>"
    x_axis = step_axis(facts)
    drawn = chart(f"effect-{at}", said, traces, x_axis, y, 260, showlegend=False)
    return f"<section>{head}{drawn}</section>"
