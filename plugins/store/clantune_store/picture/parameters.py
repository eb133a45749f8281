"""Each parameter against the metric, with its rank correlation."""

from __future__ import annotations

from clantune_store.picture.effects import Effect, effects_of
from clantune_store.picture.facts import Facts
from clantune_store.picture.parameter_chart import parameter_chart, plain
from clantune_store.picture.ranks import FEWEST
from clantune_store.picture.style import thinned
from clantune_store.picture.text import dotted, shortened
from clantune_store.printable import counted, in_html
from clantune_store.questions.page import table

CHARTS = 10
MOST_RANKED = 4000
"""Runs that are ranked; of more, every n-th one is."""

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
    ranked = thinned(facts.points, MOST_RANKED)
    effects, same = effects_of(ranked, facts.values)
    known = [effect for effect in effects if effect.size is not None]
    drawn = [effect for effect in known if len(effect.options) <= MOST_OPTIONS][:CHARTS]
    names = {effect.name for effect in drawn}
    others = [effect for effect in effects if effect.name not in names]
    parts = [title, _explained(facts, len(ranked))]
    if not known:
        parts.append(
            "<p>No correlation is defined: each parameter, or the metric, has one value only.</p>"
        )
    charts = "\n".join(parameter_chart(facts, effect, at) for at, effect in enumerate(drawn))
    parts.append(f'<div class="grid">{charts}</div>' if drawn else "")
    if others:
        rows = ([f"<td>{cell}</td>" for cell in _cells(effect)] for effect in others)
        parts.append("<h3>Other parameters</h3>")
        parts.append(table(["parameter", "rank correlation", "runs", "values"], rows))
    if same:
        listed = ", ".join(in_html(dotted(name)) for name in same)
        parts.append(f"<details><summary>{_same(len(same))}</summary><p>{listed}</p></details>")
    return "\n".join(parts)


def _cells(effect: Effect) -> list[str]:
    size = "not defined" if effect.size is None else f"{effect.size:+.2f}"
    if len(effect.options) > 2 and effect.size is not None:
        size = f"{effect.size:.2f} (association)"
    values = "numbers"
    if effect.options:
        options = ", ".join(shortened(plain(text), 20) for text in effect.options[:4])
        more = len(effect.options) - 4
        values = f"{options} and {more} more" if more > 0 else options
    return [in_html(dotted(effect.name)), size, str(len(effect.points)), in_html(values)]


def _explained(facts: Facts, ranked: int) -> str:
    several = (
        " Ranks are those within a data set, since values of two data sets may not be comparable."
        if len(facts.datasets) > 1
        else ""
    )
    some = f" Every run would take long: {ranked:,} of {len(facts.points):,} are ranked."
    return (
        "<p>Spearman's rank correlation, from -1 to 1: above 0, larger values of the parameter go "
        "with a larger metric. Options have an association from 0 to 1. It says what went together "
        f"in these runs, and not what is the cause.{several}"
        f"{some if ranked < len(facts.points) else ''}</p>"
    )


def _same(count: int) -> str:
    return f"{counted(count, 'parameter')} with the same value in all runs"
