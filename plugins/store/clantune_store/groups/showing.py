"""What a store gives to other programs, and to people who look: tables, studies, a page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clantune_store.database import Database
from clantune_store.errors import StoreError

if TYPE_CHECKING:
    import pandas as pd

    from clantune_store.exchange.optuna import Exported
    from clantune_store.picture.facts import Facts

Key = int | str | None


class Showing:
    """The methods of a store that write for others. Their modules are imported when called."""

    database: Database

    def table(
        self,
        *,
        state: str | None = "ok",
        dataset: str | None = None,
        family: str | None = None,
        group: Key = None,
    ) -> pd.DataFrame:
        """Return a data frame with a row for each run, and a column for each value and result.

        Args:
            state: Only runs in this state; None: all.
            dataset: Only runs of this data set.
            family: Only runs of this family.
            group: Only runs of this group.
        """
        from clantune_store.exchange.selecting import select  # noqa: PLC0415  (when called)
        from clantune_store.exchange.tables import frame  # noqa: PLC0415
        from clantune_store.exchange.wide import wide  # noqa: PLC0415

        return frame(wide(select(self.database, state=state, **_of(dataset, family, group))))

    def export_table(
        self,
        where: str | os.PathLike[str],
        *,
        state: str | None = "ok",
        dataset: str | None = None,
        family: str | None = None,
        group: Key = None,
        force: bool = False,
    ) -> int:
        """Write a table to a file; return how many runs it has.

        Args:
            where: Path that ends in `.csv`, `.json` or `.parquet`.
            state: Only runs in this state; None: all.
            dataset: Only runs of this data set.
            family: Only runs of this family.
            group: Only runs of this group.
            force: Whether a file that is there may be replaced.

        Raises:
            StoreError: The ending is not known, the file is there already, or there are no runs.
        """
        from clantune_store.exchange.selecting import select  # noqa: PLC0415  (when called)
        from clantune_store.exchange.tables import write_table, writer_of  # noqa: PLC0415
        from clantune_store.exchange.wide import wide  # noqa: PLC0415

        writer_of(os.fspath(where))  # before anything is read
        found = select(self.database, state=state, **_of(dataset, family, group))
        _require_runs(found.runs, state)
        write_table(wide(found), os.fspath(where), force=force)
        return len(found.runs)

    def export_study(
        self,
        url: str,
        metric: str,
        *,
        lowest: bool = False,
        algo: str | None = None,
        dataset: str | None = None,
        family: str | None = None,
        group: Key = None,
        study: str | None = None,
    ) -> Exported:
        """Add the runs that have ended to a study of Optuna, as finished trials.

        Args:
            url: Storage of Optuna: a URL such as `"sqlite:///study.db"`, or the path of a journal.
            metric: Metric that the trials have as their value.
            lowest: Whether the lowest values are the best.
            algo: Only results of this algo.
            dataset: Only runs of this data set.
            family: Only runs of this family.
            group: Only runs of this group.
            study: Name of the study; None: that of the metric.

        Raises:
            MetricError: There is no such metric, or no run with a finite value.
            StoreError: The storage cannot be used, or has a study that differs.
        """
        from clantune_store.exchange.optuna import export_study  # noqa: PLC0415  (when called)
        from clantune_store.exchange.selecting import select, spaces_of  # noqa: PLC0415
        from clantune_store.questions.run_values import run_values  # noqa: PLC0415

        values = run_values(
            self.database, metric, lowest=lowest, algo=algo, dataset=dataset, family=family
        )
        found = select(self.database, state=None, **_of(dataset, family, group))
        spaces = spaces_of(self.database, found)
        return export_study(found, spaces, values, url, metric, study)

    def write_report(
        self,
        metric: str,
        where: str | os.PathLike[str],
        *,
        lowest: bool = False,
        algo: str | None = None,
        dataset: str | None = None,
        family: str | None = None,
        force: bool = False,
    ) -> Facts:
        """Write a page in HTML about a metric, which needs no network; return what it shows.

        Args:
            metric: Metric.
            where: Path of the file.
            lowest: Whether the lowest values are the best.
            algo: Only results of this algo.
            dataset: Only runs of this data set.
            family: Only runs of this family.
            force: Whether a file that is there may be replaced.

        Raises:
            MetricError: There is no such metric, or no run with a finite value.
            StoreError: The file cannot be written, or plotly is not installed.
        """
        from clantune_store.picture.page import write_page  # noqa: PLC0415  (when called)

        given: Any = {"dataset": dataset, "family": family, "algo": algo}
        return write_page(self.database, metric, where, lowest=lowest, force=force, **given)


def _of(dataset: str | None, family: str | None, group: Key) -> Any:
    return {"dataset": dataset, "family": family, "group": group}


def _require_runs(runs: Sequence[object], state: str | None) -> None:
    if not runs:
        ended = (
            " that has ended well"
            if state == "ok"
            else ""
            if state is None
            else f" in the state {state!r}"
        )
        raise StoreError(f"there is no run{ended} to export")
