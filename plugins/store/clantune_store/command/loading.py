"""The verb `load`: files of parameters become a group."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clantune_store.command.groups import as_data, say_values
from clantune_store.command.options import Verb, common, created
from clantune_store.command.printing import say, say_json
from clantune_store.errors import LoadError

if TYPE_CHECKING:
    from clantune_store.groups.group import Group

FILES = click.Path(dir_okay=False, exists=True)
STRUCTURED = (".toml", ".json")
"""Endings of files whose rules stand in tables, with or without parameters."""


@click.command(cls=Verb)
@click.argument("files", nargs=-1, type=FILES, metavar="FILE...")
@click.option("--set", "pairs", multiple=True, metavar="a__b=3", help="A value, as JSON.")
@click.option("--label", help="A name for the group.")
@click.option(
    "--rules",
    multiple=True,
    type=FILES,
    help="File with a rule on each line, or with tables [[rule]] in TOML.",
)
@click.option("--dry-run", is_flag=True, help="Check, and write nothing.")
@common
def load(
    files: Sequence[str],
    pairs: Sequence[str],
    label: str | None,
    rules: Sequence[str],
    dry_run: bool,
    db: str | None,
    as_json: bool,
) -> int:
    """Load one group of parameters; later files override earlier ones.

    A file has lines `name = JSON`, or is TOML or JSON. The database is made if there is none.
    """
    if not files and not pairs:
        raise click.UsageError("give a FILE, or --set NAME=VALUE")
    given: dict[str, Any] = {
        "set": dict(map(_pair, pairs)),
        "rules": [rule for file in rules if not _structured(file) for rule in _lines(file)],
    }
    all_files = [*files, *filter(_structured, rules)]
    group = _checked(all_files, given)  # so that a fault makes no empty database
    if not dry_run:
        group = created(db).load(*all_files, **given, label=label)
    if as_json:
        say_json(as_data(group))
        return 0
    say_values([group])
    if dry_run:
        say(f"{len(group.values)} parameters are good; nothing is written")
    else:
        named = f", label {', '.join(group.labels)}" if group.labels else ""
        say(f"group {group.number}{named}: {len(group.values)} parameters")
    return 0


def _checked(files: Sequence[str], given: dict[str, Any]) -> Group:
    """Return the group that files give, without a database of the user."""
    from clantune_store.groups.store import Store  # noqa: PLC0415  (SQLAlchemy is slow)

    with tempfile.TemporaryDirectory(prefix="clantune-store-") as folder:
        store = Store.create(f"sqlite:///{folder}/check.db?network=yes")
        try:
            return store.load(*files, **given, dry_run=True)
        finally:
            store.close()


def _pair(text: str) -> tuple[str, Any]:
    """Return name and value of `NAME=VALUE`; a value that is not JSON is a text."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise LoadError(f"--set {text}: write NAME=VALUE, such as a__b=3")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value


def _structured(file: str) -> bool:
    return file.lower().endswith(STRUCTURED)


def _lines(file: str) -> list[str]:
    lines = (line.strip() for line in Path(file).read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
