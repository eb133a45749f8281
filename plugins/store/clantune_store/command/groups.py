"""Groups as the command prints them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clantune_store.command.printing import moment, say_table

if TYPE_CHECKING:
    from clantune_store.groups.group import Group

LETTERS = 8
"""Characters of an id that are shown."""


def as_data(group: Group) -> dict[str, Any]:
    """Return a group as JSON data."""
    return {
        "group": group.number,
        "id": str(group.id),
        "labels": [*group.labels],
        "origin": group.origin,
        "created": group.created,
        "values": {**group.values},
    }


def say_values(groups: Sequence[Group]) -> None:
    """Print the values of groups side by side."""
    names = dict.fromkeys(name for group in groups for name in group.values)
    headings = ["parameter", *(f"group {group.number}" for group in groups)]
    if len(groups) == 1:
        headings[1] = "value"
    say_table(
        headings,
        [[name, *(_value(group, name) for group in groups)] for name in names],
    )


def say_groups(groups: Sequence[Group]) -> None:
    """Print a line for each group."""
    say_table(
        ["group", "id", "labels", "origin", "created", "parameters"],
        [
            [
                *(group.number, str(group.id)[:LETTERS], ", ".join(group.labels), group.origin),
                *(moment(group.created), len(group.values)),
            ]
            for group in groups
        ],
    )


def _value(group: Group, name: str) -> str:
    return json.dumps(group.values[name], ensure_ascii=False) if name in group.values else ""
