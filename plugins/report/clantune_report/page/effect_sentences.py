"""The effects in words: what is certain, and what is not."""

from __future__ import annotations

from collections.abc import Sequence

from clantune_report.facts import Facts
from clantune_report.page.effect import ENOUGH, Effect
from clantune_report.page.text import in_html, signed
from clantune_report.wording import counted


def factor(*, is_log: bool) -> float:
    """Return the factor from a slope to what is shown."""
    return 100.0 if is_log else 1.0


def direction(facts: Facts) -> str:
    """Return on which side of 0 an effect is good."""
    return "left" if facts.metric == "loss" else "right"


def sentence(facts: Facts, effect: Effect, *, is_log: bool) -> str:
    """Return what is known of an effect, and how certain it is."""
    rounds, margin, mean = len(effect.slopes), effect.margin(), effect.mean()
    times, unit = factor(is_log=is_log), "&nbsp;%" if is_log else ""
    low, high = (times * (mean - (margin or 0.0)), times * (mean + (margin or 0.0)))
    interval = f", 95&nbsp;% interval {signed(low)}{unit} to {signed(high)}{unit}" if margin else ""
    is_choice = " instead of " in effect.step
    step = in_html(effect.step) if is_choice else f"a step {in_html(effect.step)}"
    lowered = mean < 0.0
    count = effect.lowered if lowered else rounds - effect.lowered
    what = f"{'this' if is_choice else 'a higher value'} {'lowered' if lowered else 'raised'}"
    if rounds < ENOUGH:
        verdict = f"{counted(rounds, 'round')} are too few to tell this from chance."
    elif effect.is_certain:
        verdict = "Chance alone is an unlikely cause."
    else:
        verdict = "This may be chance."
    return (
        f"<strong>{in_html(effect.gene)}</strong>, {step}: the {facts.metric} changed by "
        f"{signed(times * mean)}{unit}{interval}. In {count} of {counted(rounds, 'round')} {what} "
        f"the {facts.metric}. {verdict}"
    )


def caution(facts: Facts, effects: Sequence[Effect]) -> str:
    """Return what the effects do not say."""
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
