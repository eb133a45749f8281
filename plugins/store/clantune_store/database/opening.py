"""Opening a database: its transactions, its first tables, and what can go wrong with it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from clantune_store.database import postgres, sqlite, tables
from clantune_store.database.address import Address
from clantune_store.database.names import Cache
from clantune_store.database.network_disk import network_disk_of
from clantune_store.database.upgrading import upgrade, version_of
from clantune_store.errors import StoreError

TIMEOUT = 60.0
"""Seconds to wait for other processes that write, and for a server that does not answer."""

PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between attempts to reach a server; the last one repeats."""

_inherited: list[sa.Engine] = []
"""Connections of the process that this one was forked from. Closing them would disturb it."""


class Database:
    """An open database with the tables of a store.

    It can be used from several threads, after a fork, and in another process after pickling.

    Attributes:
        address: Where it is.
        timeout: Seconds to wait for other processes, and for a server.
        numbers: Numbers of names that are known to be in it.
    """

    def __init__(
        self,
        where: str | os.PathLike[str],
        *,
        create: bool = False,
        upgrade: bool = False,
        timeout: float = TIMEOUT,
    ) -> None:
        """Open a database. The file of an older release is upgraded, after a copy of it.

        Args:
            where: Path of a file, or a URL; see `Address`.
            create: Whether to make the tables if there are none.
            upgrade: Whether to bring older tables on a server to the version of this release,
                after which older releases may be unable to use them.
            timeout: Seconds to wait for other processes, and for a server.

        Raises:
            StoreError: There is no store, or it cannot be used.
        """
        self.address = Address.of(where)
        self.timeout = timeout
        self.numbers: Cache = {}
        path = self.address.path
        if path is not None:
            self._require_usable_file(create=create)
        self._pid = os.getpid()
        self._engine = self._connections()
        try:
            with self.read() as connection:
                version = version_of(connection, self.address.shown)
                others = [] if version else sa.inspect(connection).get_table_names()
            if version is None:
                self._make_tables(create=create, others=others)
            elif version < tables.VERSION:
                self._upgrade_older(version, server=upgrade)
        except BaseException:
            self.close()
            raise

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a transaction that only reads."""
        with self._errors(), self._connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction that writes; it waits for the turn of this process at its begin."""
        with self._errors(), self._connect() as plain:
            connection = plain.execution_options(writes=True)
            with connection.begin():
                yield connection

    def upgrade(self) -> bool:
        """Bring the tables to the version of this release; return whether they were older."""
        with self.write() as connection:
            if self.address.schema:
                postgres.lock_schema(connection, self.address.schema, make=False)
            return upgrade(connection, self.address.shown)

    def close(self) -> None:
        """Close all connections of this process. The next use opens new ones."""
        self._engine.dispose()

    def __getstate__(self) -> dict[str, Any]:
        return {"address": self.address, "timeout": self.timeout}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, numbers={})
        self._pid, self._engine = os.getpid(), self._connections()

    def _connections(self) -> sa.Engine:
        is_file = not self.address.schema
        made = (
            sqlite.engine(self.address, self.timeout) if is_file else postgres.engine(self.address)
        )
        weakref.finalize(self, _close_own, made, os.getpid())
        return made

    def _connect(self) -> sa.Connection:
        """Return a connection of this process; a server that is away or full is asked again."""
        if self._pid != os.getpid():
            _inherited.append(self._engine)
            self._pid, self._engine = os.getpid(), self._connections()
        if not self.address.schema:
            return self._engine.connect()
        until, attempt = time.monotonic() + self.timeout, 0
        while True:
            try:
                return self._engine.connect()
            except sa.exc.OperationalError as error:
                pause = PAUSES[min(attempt, len(PAUSES) - 1)]
                if postgres.is_final(str(error)) or time.monotonic() + pause > until:
                    raise
                time.sleep(pause)
                attempt += 1

    def _make_tables(self, *, create: bool, others: list[str]) -> None:
        shown = self.address.shown
        if "param_meta" in others:
            raise StoreError(
                f"{shown} has the tables of an older program: copy it into a store with "
                f"`clantune store import-gf {shown} --db NEW`"
            )
        if others and not self.address.schema:
            raise StoreError(
                f"{shown} is a database of another program, which has the tables "
                f"{', '.join(sorted(others)[:3])}: a store needs a file of its own"
            )
        if not create:
            raise StoreError(f"there is no store in {shown}; {HOW_TO_MAKE}")
        if not self.address.schema:
            with self._errors():
                sqlite.make_ready(self._engine, self.timeout)
        with self.write() as connection:
            if self.address.schema:
                postgres.lock_schema(connection, self.address.schema, make=True)
            if version_of(connection, shown) is None:  # no other process has made them meanwhile
                tables.make(connection, time.time())

    def _upgrade_older(self, version: int, *, server: bool) -> None:
        path, shown = self.address.path, self.address.shown
        if path is not None:
            with self.write() as connection:  # one process does it, and the others see that
                if version_of(connection, shown) == version:
                    _copy(path, path.with_name(f"{path.name}.version-{version}"))
                    upgrade(connection, shown)
        elif server:
            self.upgrade()
        else:
            raise StoreError(
                f"{shown} has tables of version {version}, and this release writes version "
                f"{tables.VERSION}. Other programs may still use it, so it is not upgraded by "
                f"itself: `clantune store upgrade --db {shown}`"
            )

    def _require_usable_file(self, *, create: bool) -> None:
        path, shown = self.address.path, self.address.shown
        assert path is not None  # noqa: S101  (the caller has looked)
        if path.is_dir():
            raise StoreError(f"{shown} is a folder; give the file of the database in it")
        if not path.exists():
            if not create:
                raise StoreError(f"there is no file {shown}; {HOW_TO_MAKE}")
            if not path.parent.is_dir():
                raise StoreError(f"there is no folder {path.parent} for the database {shown}")
        kind = "" if self.address.network else network_disk_of(path)
        if kind:
            raise StoreError(
                f"{shown} is on a network disk ({kind}), where SQLite cannot keep several "
                "machines from writing at the same time: use a server, "
                "postgresql://USER@HOST/DATABASE, or a local file and `clantune store auto "
                f"--executor`; sqlite:///{path}?network=yes insists"
            )

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise the errors of a database as one that says which database, and what to do."""
        try:
            yield
        except (sa.exc.DBAPIError, sa.exc.TimeoutError, sqlite3.Error) as error:
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise StoreError(f"{self.address.shown}: {reason}{self._advice(reason)}") from error
        except UnicodeEncodeError as error:
            raise StoreError(
                f"a text has characters that a database cannot hold: {error.object!r}"
            ) from error

    def _advice(self, reason: str) -> str:
        if "locked" in reason:
            return (
                f"; other processes have written for {self.timeout:g} s without a pause: give "
                "more than that, timeout=..., or use a server of PostgreSQL"
            )
        if "out of range" in reason:  # of PostgreSQL; SQLite has infinities
            return "; a value of the expression is too large: leave out such runs by a condition"
        if "not a database" in reason:
            return "; it is the file of another program, or damaged"
        if self.address.schema and "connect" in reason and not postgres.is_final(reason):
            return f"; this was tried for {self.timeout:g} s: is the server running?"
        return ""


def _copy(path: Path, copy: Path) -> None:
    """Copy a file that other processes may use; a copy that is there stays."""
    if copy.exists():
        return
    part = copy.with_name(f"{copy.name}.part")
    part.unlink(missing_ok=True)  # by a process that was killed
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(part),))
    part.replace(copy)


def _close_own(engine: sa.Engine, pid: int) -> None:
    """Close connections, in the process that has opened them."""
    if os.getpid() == pid:
        engine.dispose()


HOW_TO_MAKE = (
    "make one with `clantune store load FILE`, or name another one with --db or CLANTUNE_DB"
)
