"""The best groups: their results, and what differs from the first of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clantune_store.database.canonical import canonical
from clantune_store.picture.facts import Facts, Standing
from clantune_store.picture.text import counted, dotted, in_html, shortened, value_text
from clantune_store.questions.page import table

SHOWN = 10
DATASETS = 6
DIFFERENCES = 12
LONGEST = 60
"""Characters of a value; the list of all values of the first group has them whole."""


def best_groups(facts: Facts) -> str:
    """Return the section."""
    datasets = facts.datasets[:DATASETS]
    shown = facts.standings[:SHOWN]
    heads = ["group", "runs", *(_head(facts, name) for name in datasets)]
    heads.append("values that differ from the first group")
    first = facts.values[shown[0].group]
    rows = [
        [
            f'<th scope="row">{each.group}</th>',
            f"<td>{each.runs}</td>",
            *(f"<td>{_result(each, name)}</td>" for name in datasets),
            f"<td>{_differences(first, facts.values[each.group]) if at else 'the first'}</td>",
        ]
        for at, each in enumerate(shown)
    ]
    return "\n".join(("<h2>The best groups</h2>", _order(facts), table(heads, rows), _all(facts)))


def _head(facts: Facts, dataset: str) -> str:
    return dataset or (facts.metric if len(facts.datasets) == 1 else "no data set")


def _order(facts: Facts) -> str:
    of = counted(len(facts.standings), "group")
    count = min(SHOWN, len(facts.standings))
    if len(facts.datasets) == 1:
        return f"<p>The best {count} of {of}, each with its best value.</p>"
    return (
        f"<p>The best {count} of {of}, by their mean rank over "
        f"{counted(len(facts.datasets), 'data set')}; the best value in each.</p>"
    )


def _result(standing: Standing, dataset: str) -> str:
    return value_text(standing.best[dataset]) if dataset in standing.best else "-"


def _differences(first: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    found = [*_differing(first, other)]
    if not found:
        return "none"
    items = "".join(f"<li>{in_html(text)}</li>" for text in found[:DIFFERENCES])
    more = len(found) - DIFFERENCES
    return f"<ul>{items}{f'<li>and {more} more</li>' if more > 0 else ''}</ul>"


def _differing(first: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*first, *other}):
        if name not in first or name not in other:
            yield f"{dotted(name)} {'only here' if name in other else 'not here'}"
        elif canonical(first[name]) != canonical(other[name]):
            yield f"{dotted(name)} {shortened(value_text(other[name]), LONGEST)}"


def _all(facts: Facts) -> str:
    group = facts.standings[0].group
    rows: Sequence[Sequence[str]] = [
        [
            f'<th scope="row">{in_html(dotted(name))}</th>',
            f"<td>{in_html(value if isinstance(value, str) else canonical(value))}</td>",
        ]
        for name, value in sorted(facts.values[group].items())
    ]
    summary = f"<summary>All {counted(len(rows), 'value')} of group {group}</summary>"
    return f"<details open>{summary}{table(['parameter', 'value'], rows)}</details>"
