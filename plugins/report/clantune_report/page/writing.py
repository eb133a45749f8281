"""Writing the page to a file."""

from __future__ import annotations

from pathlib import Path

from clantune_clan.records import RunFile
from clantune_report.page.page import HEAD, page
from clantune_report.writing import require_place, write


def write_page(run: RunFile, where: Path | None = None, *, replaces: bool = False) -> Path:
    """Write the page that shows a run; return the path of the file.

    Args:
        run: Content of the file of the run.
        where: Path of the page; None: beside the file of the run, with the suffix `.html`.
        replaces: Whether a file that is not a report may be replaced. A report may in any case.

    Raises:
        ClanTuneError: The page cannot be written there.
    """
    path = run.path.with_suffix(".html") if where is None else where
    may_replace = replaces or _is_report(path)
    require_place(path, replaces=may_replace, there="exists and is not a report")
    write(page(run), path)
    return path


def _is_report(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(HEAD)) == HEAD.encode()
