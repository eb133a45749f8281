"""The verbs `rules check` and `rules list`."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import click

from clantune_store.command.options import NOT_ALL, Verb, common, opened
from clantune_store.command.printing import say, say_json, say_table


@click.group(no_args_is_help=False)
def rules() -> None:
    """List the rules between parameters, and find the groups that break them."""


@rules.command(cls=Verb)
@click.argument("groups", nargs=-1, metavar="[GROUP...]")
@common
def check(groups: Sequence[str], db: str | None, as_json: bool) -> int:
    """Say which groups break the rules that were loaded last; without GROUP, of all.

    A parameter that a group does not have counts with the value of the last load. Exit status 1:
    some group breaks a rule.
    """
    from clantune_store.questions.broken import broken_rules  # noqa: PLC0415  (SQLAlchemy is slow)

    store = opened(db)
    wanted = [store.group(group) for group in groups] if groups else store.groups()
    broken = broken_rules(store.database, wanted)
    if as_json:
        say_json([attrs.asdict(each) for each in broken])
    elif broken:
        say_table(
            ["group", "rule", "values"], [[each.group, each.rule, each.shown] for each in broken]
        )
    else:
        say(f"groups that keep all rules: {len(wanted)}")
    return NOT_ALL if broken else 0


@rules.command(name="list", cls=Verb)
@common
def list_(db: str | None, as_json: bool) -> int:
    """List the rules that were loaded last."""
    from clantune_store.groups.finding import newest_space  # noqa: PLC0415  (SQLAlchemy is slow)

    with opened(db).database.read() as connection:
        found = newest_space(connection).rules
    if as_json:
        say_json([{"require": rule.require, "when": rule.when} for rule in found])
    elif found:
        say_table(["require", "when"], [[rule.require, rule.when] for rule in found])
    else:
        say("there are no rules")
    return 0
