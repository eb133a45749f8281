"""The verbs `merge`, `import-gf` and `upgrade`."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import click

from clantune_store.command.options import NOT_ALL, Verb, common, created, opened, where
from clantune_store.command.printing import complain, say, say_json


@click.command(cls=Verb)
@click.argument("databases", nargs=-1, required=True, metavar="DB...")
@click.option("-o", "output", metavar="DB", help="Database to merge into; made if there is none.")
@common
def merge(databases: Sequence[str], output: str | None, db: str | None, as_json: bool) -> int:
    """Merge databases into one: that of -o, or an existing one of --db or CLANTUNE_DB.

    Merging again adds nothing, and the order does not matter. Exit status 1: all is merged, and a
    label or the name of a metric has several meanings now.
    """
    others = [opened(each) for each in databases]  # before one is made
    into = opened(db) if output is None else created(output)
    merged = into.merge(*others)
    if as_json:
        say_json(attrs.asdict(merged))
    else:
        say(f"new in {into.database.address.shown}: groups {merged.groups}, runs {merged.runs}")
    if merged.broken:
        complain(f"groups that break the rules of their space, and are kept: {merged.broken}")
    return _conflicts(merged.conflicts)


@click.command(name="import-gf", cls=Verb)
@click.argument("old", type=click.Path(dir_okay=False))
@common
def import_gf(old: str, db: str | None, as_json: bool) -> int:
    """Import a database of the older program; its numbers become labels, as old/3.

    The database of --db or CLANTUNE_DB is made if there is none. OLD stays as it is.
    """
    from clantune_store.exchange.gf_file import read_gf  # noqa: PLC0415  (SQLAlchemy is slow)

    where(db)
    read_gf(old)  # so that a damaged file makes no empty database
    imported = created(db).import_gf(old)
    if as_json:
        say_json(attrs.asdict(imported))
    else:
        say(f"new: groups {imported.groups}, runs {imported.runs}, results {imported.results}")
    return _conflicts(imported.conflicts)


@click.command(cls=Verb)
@common
def upgrade(db: str | None, as_json: bool) -> int:
    """Bring the tables of an older release to the version of this one."""
    from clantune_store.database import Database  # noqa: PLC0415  (SQLAlchemy is slow)
    from clantune_store.database.tables import VERSION  # noqa: PLC0415

    Database(where(db), upgrade=True).close()
    if as_json:
        say_json({"version": VERSION})
    else:
        say(f"the tables have version {VERSION}")
    return 0


def _conflicts(conflicts: Sequence[str]) -> int:
    for conflict in conflicts:
        complain(conflict)
    return NOT_ALL if conflicts else 0
