"""Reading the values of a group by dot."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from clantune_store.environment import variable
from clantune_store.errors import ParameterError, StoreError
from clantune_store.groups.group import Group
from clantune_store.groups.store import Store
from clantune_store.runs.report import report
from clantune_store.runs.result import Result


class View:
    """Values whose names begin alike: `view.a.b`, `view["a__b"]`. They are read-only.

    The values are plain attributes, so that reading one takes no longer than in any other object.
    """

    def __init__(self, named: Mapping[str, Any], above: str = "") -> None:
        """Make the attributes, and a view for each beginning of names.

        Args:
            named: Values by name, such as `{"stop__fast": 12.3}`.
            above: Full name of this view; empty at the top.
        """
        parts: dict[str, dict[str, Any]] = {}
        own = self.__dict__
        own["_named"], own["_above"] = dict(named), above
        for name, value in named.items():
            first, inner, rest = name.partition("__")
            if inner:
                parts.setdefault(first, {})[rest] = value
            else:
                own[first] = value
        for first, below in parts.items():
            own[first] = View(below, self._full(first))

    def __getattr__(self, name: str) -> Any:
        """Find a name that differs in case only. Python calls this if no attribute has the name."""
        if name.startswith("_"):  # no parameter; Python asks for such names, as in `copy`
            raise AttributeError(name)
        same = [known for known in self._parts() if known.lower() == name.lower()]
        if len(same) == 1:
            return self.__dict__[same[0]]
        raise self._unknown(name, same)

    def __getitem__(self, name: str) -> Any:
        """Return the value, or the view, of a name such as `a__b`."""
        found: Any = self
        for part in name.replace(".", "__").split("__"):
            if not isinstance(found, View):
                raise self._unknown(name, [])
            found = getattr(found, part)
        return found

    def __setattr__(self, name: str, value: object) -> None:
        raise self._read_only(name)

    def __delattr__(self, name: str) -> None:
        raise self._read_only(name)

    def __dir__(self) -> list[str]:
        return [*self._parts(), *super().__dir__()]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._named.items())
        return f"<{self._above or type(self).__name__}: {shown}>"

    def _parts(self) -> list[str]:
        return [name for name in self.__dict__ if not name.startswith("_")]

    def _full(self, name: str) -> str:
        return f"{self._above}.{name}" if self._above else name

    def _unknown(self, name: str, same: list[str]) -> ParameterError:
        full = self._full(name.replace("__", "."))
        if same:
            return ParameterError(f"{full} may be {' or '.join(map(self._full, same))}")
        dotted, names = name.replace("__", "."), [known.replace("__", ".") for known in self._named]
        near = difflib.get_close_matches(dotted, self._parts(), 3) or difflib.get_close_matches(
            dotted, names, 3
        )
        where = f"; the nearest are {', '.join(map(self._full, near))}" if near else ""
        some = f"; there are {', '.join(self._parts()[:8])}" if not near and self._named else ""
        return ParameterError(f"there is no parameter {full}{where}{some}")

    def _read_only(self, name: str) -> ParameterError:
        return ParameterError(
            f"{self._full(name)} is read-only, as all values of a group: load a group with "
            "another value"
        )


class Parameters(View):
    """The values of one group, for a program: `Parameters("testing.db", group=1).a.b`.

    The one name that no parameter can have is `report`.
    """

    def __init__(
        self,
        database: str | os.PathLike[str] | Store | None = None,
        group: int | str | None = None,
        *,
        dataset: str | None = None,
        family: str | None = None,
    ) -> None:
        """Read a group once.

        Args:
            database: Path, URL or store; None: the variable `CLANTUNE_DB`.
            group: Number, label or beginning of the id of a group; None: the variable
                `CLANTUNE_GROUP`, or the only group that there is.
            dataset: Name of the data that results are about; None: the variable `CLANTUNE_DATA`.
            family: Name that results are kept together by; None: the variable `CLANTUNE_FAMILY`,
                or that of the data set.

        Raises:
            StoreError: There is no such database or group.
        """
        where = database if database is not None else variable("DB")
        if where is None:
            raise StoreError(
                "no database is named: give Parameters(PATH), or set the variable CLANTUNE_DB"
            )
        store = where if isinstance(where, Store) else Store(where)
        found = store.group(group if group is not None else variable("GROUP"))
        super().__init__(found.read())
        self.__dict__.update(
            _store=store,
            _group=found,
            _dataset=dataset if dataset is not None else variable("DATA"),
            _family=family if family is not None else variable("FAMILY"),
        )

    def report(
        self, family: str | None = None, *, dataset: str | None = None
    ) -> AbstractContextManager[Result]:
        """Record one run of the program: its results, begin and end, machine, and failure.

        Args:
            family: Name that results are kept together by, for this run.
            dataset: Name of the data, for this run.

        Returns:
            Context whose value takes results: `result["algo"]["name"] = 3.0`, nested as deep as
            needed, or `result.update(...)`.
        """
        data = dataset if dataset is not None else self._dataset
        name = family if family is not None else self._family
        return report(self._store.database, self._group.number, dataset=data, family=name)

    def __repr__(self) -> str:
        group: Group = self._group
        return f"<Parameters of group {group.number}: {len(self._named)} values>"


def values(view: View) -> dict[str, Any]:
    """Return all values of a group or of a view, by name: `values(g)["a__b"]`."""
    return dict(view._named)  # noqa: SLF001  (a method would take a name from the parameters)
