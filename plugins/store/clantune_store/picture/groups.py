"""The best groups: their results, and what differs from the first of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clantune_store.database.canonical import canonical
from clantune_store.picture.facts import Facts
from clantune_store.picture.standings import Standing
from clantune_store.picture.text import dotted, shortened, value_text
from clantune_store.printable import counted, in_html
from clantune_store.questions.page import table

SHOWN = 10
DATASETS = 8
DIFFERENCES = 40
SHORT = 24
"""Values of the first group that are shown at once."""

LONGEST = 40
"""Characters of a value; the list of all values of the first group has them whole."""


def best_groups(facts: Facts) -> str:
    """Return the section."""
    datasets = facts.datasets[:DATASETS]
    shown = facts.standings[:SHOWN]
    heads = ["group", "runs", *(_head(facts, name) for name in datasets)]
    rows = [
        [
            f'<th scope="row">{each.group}</th>',
            f"<td>{each.runs}</td>",
            *(f"<td>{_result(each, name)}</td>" for name in datasets),
        ]
        for each in shown
    ]
    parts = ["<h2>The best groups</h2>", _order(facts), table(heads, rows)]
    if len(shown) > 1:
        parts.append(_differences(facts, [each.group for each in shown]))
    return "\n".join([*parts, _all(facts)])


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


def _differences(facts: Facts, groups: Sequence[int]) -> str:
    """Return a table of the parameters in which the groups differ."""
    names = sorted({name for group in groups for name in facts.values[group]})
    texts = {
        name: [_text(facts.values[group], name, canonical) for group in groups] for name in names
    }
    differ = [name for name in names if len({*texts[name]}) > 1]
    rows = [
        [
            f'<th scope="row">{in_html(dotted(name))}</th>',
            *(
                _cell(_text(facts.values[group], name, value_text), text == texts[name][0])
                for group, text in zip(groups, texts[name], strict=True)
            ),
        ]
        for name in differ[:DIFFERENCES]
    ]
    more = len(differ) - DIFFERENCES
    hidden = f" {counted(more, 'more parameter')} not shown." if more > 0 else ""
    return (
        "<h3>What differs between them</h3><p>A value in bold differs from that of the first "
        f"group.{hidden}</p>" + table(["parameter", *(f"group {group}" for group in groups)], rows)
    )


def _text(values: Mapping[str, Any], name: str, text: Callable[[Any], str]) -> str:
    return text(values[name]) if name in values else "-"


def _cell(text: str, same: bool) -> str:
    shown = in_html(shortened(text, LONGEST))
    return f"<td>{shown}</td>" if same else f"<td><strong>{shown}</strong></td>"


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
    is_open = " open" if len(rows) <= SHORT else ""
    return f"<details{is_open}>{summary}{table(['parameter', 'value'], rows)}</details>"
