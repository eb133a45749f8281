"""The section about effects: what the rounds measured and how certain it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from clantune_report.page.charts import DARK, GREY, Trace, axis, chart, line, step_axis
from clantune_report.page.effect import ENOUGH, Effect
from clantune_report.page.effects import effects_of, has_logarithm
from clantune_report.page.facts import Facts
from clantune_report.page.text import (
    counted,
    in_chart,
    in_html,
    rounded,
    section,
    signed,
)

TITLE = "What the rounds measured"


def measured(facts: Facts) -> str:
    """Return the section: one chart of all effects, and one for the course of each."""
    effects = effects_of(facts)
    if not effects:
        why = "no round is complete" if not facts.rounds else "the members had equal genes"
        return section(TITLE, f"Nothing was measured: {why}.")
    is_log = has_logarithm(facts)
    sentences = "\n".join(f"<li>{_sentence(facts, each, is_log=is_log)}</li>" for each in effects)
    courses = "\n".join(_course(facts, e, at, is_log=is_log) for at, e in enumerate(effects))
    return section(
        TITLE,
        "Each round is an experiment: members with different values of a gene end with another "
        f"{facts.metric}. The effect of a gene is how much the "
        f"{facts.metric} at the end of a round changes when the gene is a small step higher and "
        "the other genes stay the same.",
        _overview(facts, effects, is_log=is_log),
        f"The dot is the mean over all rounds: {_direction(facts)} of 0, a higher value of the "
        "gene was better. The line around the dot is its 95&nbsp;% interval, from the differences "
        "between rounds. If the interval contains 0, the effect may be chance, and the dot is "
        "empty.",
        f"<ul>{sentences}</ul>",
        _caution(facts, effects),
        "<h3>Round by round</h3>",
        "A dot is the effect in one round. The thick line is the mean up to this round, and the "
        "dashed lines are its 95&nbsp;% interval.",
        f'<div class="grid">{courses}</div>',
    )


def _direction(facts: Facts) -> str:
    return "left" if facts.metric == "loss" else "right"


def _unit(facts: Facts, *, is_log: bool) -> str:
    return "loss change, %" if is_log else f"{facts.metric} change"


def _factor(*, is_log: bool) -> float:
    return 100.0 if is_log else 1.0


def _overview(facts: Facts, effects: Sequence[Effect], *, is_log: bool) -> str:
    factor = _factor(is_log=is_log)
    margins = [each.margin() for each in effects]
    rows = [*range(len(effects))]
    dots = line(
        "effect",
        [rounded(factor * each.mean()) for each in effects],
        rows,
        mode="markers",
        marker={
            "symbol": ["circle" if each.is_certain else "circle-open" for each in effects],
            "size": 11,
            "color": DARK,
        },
        error_x={
            "type": "data",
            "array": [rounded(factor * margin) if margin else 0.0 for margin in margins],
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


def _sentence(facts: Facts, effect: Effect, *, is_log: bool) -> str:
    rounds, margin, mean = len(effect.slopes), effect.margin(), effect.mean()
    factor, unit = _factor(is_log=is_log), "&nbsp;%" if is_log else ""
    low, high = (factor * (mean - (margin or 0.0)), factor * (mean + (margin or 0.0)))
    interval = f", 95&nbsp;% interval {signed(low)}{unit} to {signed(high)}{unit}" if margin else ""
    lower = (
        f"lowered the {facts.metric}"
        if " instead of " in effect.step
        else (f"a higher value lowered the {facts.metric}")
    )
    if rounds < ENOUGH:
        verdict = f"{counted(rounds, 'round')} are too few to tell this from chance."
    elif effect.is_certain:
        verdict = "Chance alone is an unlikely cause."
    else:
        verdict = "This may be chance."
    return (
        f"<strong>{in_html(effect.gene)}</strong>, a step {in_html(effect.step)}: the "
        f"{facts.metric} changed by {signed(factor * mean)}{unit}{interval}. "
        f"In {effect.lowered} of {counted(rounds, 'round')} {lower}. {verdict}"
    )


def _caution(facts: Facts, effects: Sequence[Effect]) -> str:
    cause = (
        "All members start a round with the same weights, so the differences come from the genes."
        if facts.is_mean
        else "Members also differ in the weights that they inherited, so a part of an effect may "
        "come from those."
    )
    if min(map(len, facts.rounds)) <= len(effects):
        cause += (
            " A round with so few members cannot separate all genes, so an effect may contain a "
            "part of the effect of another gene."
        )
    return (
        f"{cause} A round shows what helps until its end: a lower learning rate, for example, "
        "often looks better at once and is worse later. One of twenty intervals misses the true "
        "mean by chance."
    )


def _course(facts: Facts, effect: Effect, at: int, *, is_log: bool) -> str:
    factor = _factor(is_log=is_log)
    x = [facts.ends(facts.rounds[place]) for place in effect.places]
    counts = range(1, len(x) + 1)
    means = [factor * effect.mean(count) for count in counts]
    margins = [factor * (effect.margin(count) or math.nan) for count in counts]
    look = {"color": DARK, "width": 1.2, "dash": "dash"}
    traces: list[Trace] = [
        line(
            "one round",
            x,
            [rounded(factor * slope) for slope in effect.slopes],
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
