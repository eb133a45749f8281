"""Lines for a shell: each runs a command on a group, with all texts quoted."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.tables import datasets, groups, runs
from clantune_store.database.text import require_text
from clantune_store.errors import StoreError
from clantune_store.runs.program import parts_of, variables


def template_lines(
    database: Database, command: str, names: Sequence[str], group: int | None = None
) -> Iterator[str]:
    """Return a line for each group and each data set.

    Args:
        database: Database, whose address is part of each line.
        command: Command; `{}` stands for the data set.
        names: Names of data sets.
        group: Number of the only group; None: all.
    """
    for name in names:
        if "\n" in require_text(name, "the data set"):
            raise StoreError(f"the data set {name!r} has a line break, and each run is one line")
    query = sa.select(groups.c.number).order_by(groups.c.number)
    if group is not None:
        query = query.where(groups.c.number == group)
    with database.read() as connection:
        numbers = connection.execute(query).scalars().all()
    for number in numbers:
        for name in names:
            yield _line(variables(database, number, name, name), parts_of(command, name))


def again_lines(database: Database, command: str, numbers: Sequence[int]) -> Iterator[str]:
    """Return a line for each run that runs it again, and records under no data set.

    Args:
        database: Database, whose address is part of each line.
        command: Command; `{}` stands for the data set of the run.
        numbers: Numbers of runs.

    Raises:
        StoreError: There is no such run.
    """
    query = sa.select(runs.c.group, datasets.c.name).join(
        datasets, datasets.c.number == runs.c.dataset
    )
    with database.read() as connection:
        found = {
            number: connection.execute(query.where(runs.c.number == number)).one_or_none()
            for number in numbers
        }
    for number, row in found.items():
        if row is None:
            raise StoreError(f"there is no run {number}: `clantune store runs` lists them")
        own = variables(database, row.group, "", "")
        names = ("CLANTUNE_DB", "CLANTUNE_GROUP")
        yield _line({name: own[name] for name in names}, parts_of(command, row.name))


def _line(variables: dict[str, str], parts: Sequence[str]) -> str:
    """Return one line; texts are quoted, so that a shell takes each as it is."""
    line = [*(f"{name}={shlex.quote(text)}" for name, text in variables.items()), shlex.join(parts)]
    return " ".join(line)
