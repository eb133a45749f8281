"""A store: the place to load, find, ask and merge groups of values."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import sqlalchemy as sa

from clantune_store.breeding.methods import BreedingMethods
from clantune_store.database import Database
from clantune_store.database.content import content
from clantune_store.database.opening import TIMEOUT
from clantune_store.database.tables import groups, labels, spaces
from clantune_store.errors import LoadError
from clantune_store.exchange.import_gf import Imported, import_gf
from clantune_store.exchange.merge import Merged, merge
from clantune_store.groups.adding import add_group, add_label, make_newest
from clantune_store.groups.finding import find_group
from clantune_store.groups.group import Group
from clantune_store.groups.lineage import Parent, dot, lineage
from clantune_store.groups.showing import Showing
from clantune_store.questions import metric as metrics
from clantune_store.questions import sql, top
from clantune_store.runs.listing import Run, list_runs
from clantune_store.runs.stale import mark_stale
from clantune_store.space.files import read_files
from clantune_store.space.rules import Rule, require_kept
from clantune_store.space.space import Space

if TYPE_CHECKING:
    from clantune_store.questions.metric import Metric
    from clantune_store.questions.top import Top
    from clantune_store.runs.progress import Progress

Key = int | str | None
"""What names a group: its number, a label, or the beginning of its id."""


class Store(BreedingMethods, Showing):
    """An open store. It can be used from several threads, after a fork, and after pickling.

    Attributes:
        database: Database with the tables of the store.
    """

    def __init__(self, where: str | os.PathLike[str], *, timeout: float = TIMEOUT) -> None:
        """Open a store. This never creates one: see `create`.

        Args:
            where: Path of an SQLite file, or a URL: `postgresql://USER@HOST/DATABASE`.
            timeout: Seconds to wait for other processes that write, and for a server.

        Raises:
            StoreError: There is no store, or it cannot be used.
        """
        self.database = Database(where, timeout=timeout)

    @classmethod
    def create(cls, where: str | os.PathLike[str], *, timeout: float = TIMEOUT) -> Self:
        """Open a store, and make it before that if there is none."""
        made = cls.__new__(cls)
        made.database = Database(where, create=True, timeout=timeout)
        return made

    # ---- Groups ----

    def load(
        self,
        *files: str | os.PathLike[str],
        set: Mapping[str, Any] | None = None,  # noqa: A002  (as the option of the command)
        rules: Iterable[str | Rule] = (),
        label: str | None = None,
        dry_run: bool = False,
    ) -> Group:
        """Load one group of values. Values of later files replace those of earlier ones.

        Args:
            files: Files of lines `name = JSON`, or in TOML or JSON.
            set: Values by name that replace those of all files.
            rules: Rules in addition to those of the files.
            label: Name for the group.
            dry_run: Whether to only check; the group gets the number 0 then if it is new.

        Raises:
            LoadError: A file has a fault; the error begins with its place. Nothing is written.
            RuleError: The values break a rule.
        """
        declared, found = read_files([os.fspath(file) for file in files], set=set or {})
        if not declared:
            raise LoadError("there is nothing to load: give files, or values with set")
        given = [rule if isinstance(rule, Rule) else Rule(rule) for rule in rules]
        space = Space.of(declared, [*found, *given])
        require_kept(space.rules, space.values)
        if dry_run:
            return Group.of_values(space)
        with self.database.write() as connection:
            number, _ = add_group(connection, space.values, space, origin="load")
            make_newest(connection, space)
            if label is not None:
                add_label(connection, label, number)
        return self.group(number)

    def group(self, key: Key = None) -> Group:
        """Return a group.

        Args:
            key: Number, label, or beginning of the id; None: the only group that there is.

        Raises:
            StoreError: No group, or several, have that key.
        """
        with self.database.read() as connection:
            row = find_group(connection, key)
            own = sa.select(labels.c.label).where(labels.c.group == row.number)
            return Group.of(row, tuple(sorted(connection.execute(own).scalars())))

    def groups(self) -> list[Group]:
        """Return all groups, in the order of their numbers."""
        names: defaultdict[int, list[str]] = defaultdict(list)
        with self.database.read() as connection:
            for row in connection.execute(sa.select(labels).order_by(labels.c.label)):
                names[row.group].append(row.label)
            rows = connection.execute(sa.select(groups).order_by(groups.c.number)).all()
        return [Group.of(row, tuple(names[row.number])) for row in rows]

    def space(self, key: Key = None) -> Space:
        """Return the space of a group: which parameters there are, and the rules between them."""
        group = self.group(key)
        with self.database.read() as connection:
            document = sa.select(spaces.c.document).where(spaces.c.id == group.space)
            return Space.from_document(connection.execute(document).scalar_one())

    def label(self, key: Key, label: str) -> None:
        """Give a group a label.

        Raises:
            StoreError: Another group has it, or it looks like a number.
        """
        with self.database.write() as connection:
            add_label(connection, label, find_group(connection, key).number)

    def ancestors(self, key: Key) -> list[Parent]:
        """Return who a group descends from, nearest generation first."""
        return self._lineage(key, "up")

    def descendants(self, key: Key) -> list[Parent]:
        """Return who descends from a group, nearest generation first."""
        return self._lineage(key, "down")

    def dot(self, key: Key) -> str:
        """Return the family tree of a group in the language of Graphviz."""
        return dot([*self.ancestors(key), *self.descendants(key)])

    # ---- Runs and questions ----

    def runs(
        self, *, state: str | None = None, dataset: str | None = None, group: Key = None
    ) -> list[Run]:
        """Return runs, in the order of their numbers, with what they have reported."""
        number = None if group is None else self.group(group).number
        return list_runs(self.database, state=state, dataset=dataset, group=number)

    def mark_stale(self) -> int:
        """Mark runs whose process has ended without a word as `stale`; return how many."""
        return mark_stale(self.database)

    def top(
        self,
        metric: str,
        n: int = 5,
        *,
        where: str = "",
        lowest: bool = False,
        dataset: str | None = None,
        family: str | None = None,
        algo: str | None = None,
        per: Literal["dataset", "algo"] | None = None,
    ) -> Top:
        """Return the runs with the highest values of a metric.

        Args:
            metric: `"algo.name"`, `"name"` of any algo, an expression such as `"profit / trades"`,
                or the name of a metric that has been defined.
            n: Number of runs.
            where: Condition, such as `"1 <= trades <= 150"`.
            lowest: Whether the lowest values are the best.
            dataset: Only runs of this data set.
            family: Only runs of this family.
            algo: Only results of this algo.
            per: Return `n` runs for each data set, or for each algo.

        Raises:
            MetricError: There is no such metric, or no run with a finite value.
        """
        return top.top(
            self.database,
            metric,
            n,
            where=where,
            lowest=lowest,
            dataset=dataset,
            family=family,
            algo=algo,
            per=per,
        )

    def sql(self, text: str, limit: int = 1000) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        """Return the columns and rows of an SQL query, which cannot change anything."""
        return sql.run_sql(self.database, text, limit)

    def define_metric(
        self, name: str, expression: str, *, where: str = "", lowest: bool = False
    ) -> None:
        """Give an expression a name, such as `"max profit min trades"`."""
        metrics.define_metric(self.database, name, expression, where=where, lowest=lowest)

    def metrics(self) -> list[tuple[str, Metric]]:
        """Return the metrics that have been defined, by name."""
        return metrics.named_metrics(self.database)

    # ---- Running ----

    def auto(self, command: str, metric: str, **options: Any) -> Progress:
        """Run a command on all groups and data sets, and breed from the best, in rounds.

        The options are those of `clantune_store.runs.loop.auto`: `top=2`, `loop=12`,
        `children=15`, `executor=None`, and so on.
        """
        from clantune_store.runs.loop import auto  # noqa: PLC0415  (readers of values run nothing)

        return auto(self.database, command, metric, **options)

    def work(self, **options: Any) -> dict[str, int]:
        """Carry out runs that wait; return how many there were in each state that they ended in.

        The options are those of `clantune_store.runs.worker.work`: `jobs=None`, `idle=0.0`,
        `max_runs=None`, `logs=None`.
        """
        from clantune_store.runs.worker import work  # noqa: PLC0415  (as above)

        return work(self.database, **options)

    # ---- The whole store ----

    def merge(self, *others: Store) -> Merged:
        """Add everything that other stores have.

        Raises:
            MergeError: One of them is this store.
        """
        return merge(self.database, *(other.database for other in others))

    def content(self) -> str:
        """Return a hash of all that is in the store, whatever the order of merges."""
        return content(self.database)

    def import_gf(self, path: str | os.PathLike[str]) -> Imported:
        """Add what a database of an older program has; its numbers become labels."""
        return import_gf(self.database, path)

    def upgrade(self) -> bool:
        """Bring the tables to the version of this release; return whether they were older."""
        return self.database.upgrade()

    def close(self) -> None:
        """Close all connections of this process. The next use opens new ones."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lineage(self, key: Key, direction: Literal["up", "down"]) -> list[Parent]:
        with self.database.read() as connection:
            return lineage(connection, find_group(connection, key).id, direction)
