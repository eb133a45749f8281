"""The table that fits a terminal: all members, or a summary of them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from clantune_report.watch.columns import columns_of
from clantune_report.watch.paper import Paper
from clantune_report.watch.progress import Progress
from clantune_report.watch.rows import Row
from clantune_report.watch.snapshot import Snapshot
from clantune_report.watch.table import Table


def body_of(snapshot: Snapshot, progress: Progress, room: int | None, paper: Paper) -> list[Text]:
    """Return the lines of the table, which are none before the end of the first round.

    Args:
        snapshot: The run at a moment.
        progress: Where the run is.
        room: Number of lines at most; None for as many as there are.
        paper: What the table is drawn on.
    """
    if not snapshot.rounds:
        return []
    tables = [
        _table(rows, snapshot, progress, paper)
        for rows in (snapshot.member_rows, snapshot.summary_rows)
    ]
    fitting = [table for table in tables if room is None or table.height <= room]
    if fitting:
        return fitting[0].lines(paper.glyphs)
    smallest = min(tables, key=lambda table: table.height)
    return _cut(smallest.lines(paper.glyphs), room or 0)


def _table(rows: Sequence[Row], snapshot: Snapshot, progress: Progress, paper: Paper) -> Table:
    genes = [name for name in snapshot.start.genes if name not in snapshot.fixed_genes]
    columns = columns_of(snapshot.start, genes, rows)
    rounds = max(progress.total_rounds or 0, len(snapshot.rounds))
    return Table.of(rows, columns, paper.width, rounds)


def _cut(lines: Sequence[Text], room: int) -> list[Text]:
    """Return the first lines, and how many are left out."""
    kept = lines[: max(0, room - 1)]
    left_out = f"({len(lines) - len(kept)} lines more in a higher terminal)"
    return [*kept, Text(left_out, style="dim")]
