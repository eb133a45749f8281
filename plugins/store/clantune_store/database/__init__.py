"""The database under a store: an SQLite file, or a schema of a PostgreSQL server."""

from __future__ import annotations

from clantune_store.database.opening import Database

__all__ = ["Database"]
