"""The address of a database: a path, or a URL of SQLite or PostgreSQL."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Self

import attrs
import sqlalchemy as sa

from clantune_store.errors import StoreError

SCHEMA = "clantune_store"
"""Schema of a PostgreSQL database that a store uses, unless its URL says `?schema=another`."""


@attrs.frozen
class Address:
    """Where a store is.

    Attributes:
        url: URL that SQLAlchemy connects to.
        shown: Address for messages, without a password.
        path: File of an SQLite database, or None.
        schema: Schema of a PostgreSQL database, or an empty text.
        network: Whether an SQLite file may be on a network disk.
    """

    url: sa.URL = attrs.field(repr=False)
    shown: str
    path: Path | None = None
    schema: str = ""
    network: bool = False

    @property
    def full(self) -> str:
        """Address for another process on this machine, with the password if there is one."""
        if self.path is not None:
            return f"sqlite:///{self.path}?network=yes" if self.network else str(self.path)
        url = self.url.set(drivername="postgresql").update_query_dict({"schema": self.schema})
        return url.render_as_string(hide_password=False)

    @classmethod
    def of(cls, where: str | os.PathLike[str]) -> Self:
        """Return the address that a user has given.

        Raises:
            StoreError: It is neither a path nor a URL of a database that a store can use.
        """
        text = os.fspath(where)
        if "://" not in text:
            if not text:
                raise StoreError("the path of the database is empty")
            return cls._of_file(Path(text), {})
        try:
            url = sa.make_url(text)
        except (sa.exc.ArgumentError, ValueError):  # the second one by a port that is not a number
            raise StoreError(
                "this is not a URL of a database; give a path, sqlite:///PATH or "
                "postgresql://USER@HOST/DATABASE"
            ) from None
        backend = url.get_backend_name()
        if backend == "sqlite" and url.database and url.database != ":memory:":
            return cls._of_file(Path(url.database), url.query)
        if backend in ("postgresql", "postgres"):
            return cls._of_server(url)
        raise StoreError(
            f"a store cannot use {_shown(url)!r}; it uses a file of SQLite or a "
            "server of PostgreSQL: give a path, or postgresql://USER@HOST/DATABASE"
        )

    @classmethod
    def _of_file(cls, path: Path, query: object) -> Self:
        url = sa.URL.create("sqlite", database=str(path.absolute()))
        insists = isinstance(query, dict | sa.util.immutabledict) and query.get("network") == "yes"
        return cls(url, str(path), path=path.absolute(), network=insists)

    @classmethod
    def _of_server(cls, url: sa.URL) -> Self:
        schema = url.query.get("schema", SCHEMA)
        if not isinstance(schema, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", schema):
            raise StoreError(
                f"the schema {schema!r} of a URL must be one name of letters, digits and _"
            )
        shown = _shown(url.set(drivername="postgresql"))
        url = url.difference_update_query(["schema"]).set(drivername="postgresql+psycopg")
        return cls(url, shown, schema=schema)


def _shown(url: sa.URL) -> str:
    """Return a URL without its password, which `set` would leave as `***`."""
    query = {name: url.query[name] for name in url.query if "password" not in name}
    plain = sa.URL.create(
        url.drivername, url.username, None, url.host, url.port, url.database, query
    )
    return plain.render_as_string()
