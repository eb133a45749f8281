"""What all verbs have in common: the database, JSON, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clantune_core import ClanTuneError
from clantune_store.command.printing import complain
from clantune_store.environment import variable
from clantune_store.errors import MetricError, StoreError

if TYPE_CHECKING:
    from clantune_store.groups.store import Store

F = TypeVar("F", bound=Callable[..., Any])

NOT_ALL = 1
ERROR = 2


class Verb(click.Command):
    """A verb. An error becomes one line that begins with the name of the verb, and status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # the caller knows that the reader has seen enough
        except OSError as error:
            complain(f"{ctx.command_path}: {error.filename or ''}: {error.strerror or error}")
        except ClanTuneError as error:
            complain(f"{ctx.command_path}: {error}")
        return ERROR


def common(function: F) -> F:
    """Add the options that every verb has."""
    db = click.option(
        "--db",
        metavar="PATH",
        help="Database: a path, or postgresql://USER@HOST/DATABASE. [variable: CLANTUNE_DB]",
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    return db(as_json(function))


def unanswered(store: Store, error: MetricError, metric: str, condition: str = "") -> int:
    """Say why a question has no answer; raise the error if it is not a question.

    A name that no run has reported is a question; an expression that is not allowed is not.
    """
    from clantune_store.questions.expression import Expression  # noqa: PLC0415  (SQLAlchemy)
    from clantune_store.questions.metric import is_reported, named_metrics  # noqa: PLC0415

    with store.database.read() as connection:
        known = is_reported(connection, metric)
    known = known or metric in dict(named_metrics(store.database))
    for text in [*([] if known else [metric]), *([condition] if condition else [])]:
        try:
            Expression.of(text)
        except MetricError:
            raise error from None
    complain(f"{click.get_current_context().command_path}: {error}")
    return NOT_ALL


def where(db: str | None) -> str:
    """Return the database that the arguments or the variables name.

    Raises:
        StoreError: None does, or two variables differ.
    """
    found = db if db is not None else variable("DB")
    if found is None:
        raise StoreError("no database is named: give --db PATH, or set CLANTUNE_DB")
    return found


def opened(db: str | None) -> Store:
    """Return the store that the arguments or the variables name. It must exist."""
    from clantune_store.groups.store import Store  # noqa: PLC0415  (SQLAlchemy is slow)

    return Store(where(db))


def created(db: str | None) -> Store:
    """Return the store that the arguments or the variables name, made now if there is none."""
    from clantune_store.groups.store import Store  # noqa: PLC0415  (SQLAlchemy is slow)

    return Store.create(where(db))
