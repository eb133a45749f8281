"""The database under a store: an SQLite file, or a schema of a PostgreSQL server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clantune_store.database.opening import Database

__all__ = ["Database"]


def __getattr__(name: str) -> Any:
    """Import the class when it is used first: other modules here do without SQLAlchemy."""
    if name != "Database":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from clantune_store.database import opening  # noqa: PLC0415  (see above)

    return opening.Database
