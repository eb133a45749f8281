"""Writing the page to a file."""

from __future__ import annotations

from pathlib import Path

from clantune_clan import ClanError
from clantune_clan.checkpoint.disk import write_atomically
from clantune_clan.records import RunFile
from clantune_report.page.page import HEAD, page


def write_page(run: RunFile, where: Path | None = None, *, replaces: bool = False) -> Path:
    """Write the page that shows a run; return the path of the file.

    Args:
        run: Content of the file of the run.
        where: Path of the page; None: beside the file of the run, with the suffix `.html`.
        replaces: Whether a file that is not a report may be replaced. A report may in any case.

    Raises:
        ClanError: The page cannot be written there.
    """
    path = run.path.with_suffix(".html") if where is None else where
    if path.is_dir():
        raise ClanError(f"{path} is a folder: give the name of a file in it")
    if not path.parent.is_dir():
        raise ClanError(f"there is no folder {path.parent}: make it, or write elsewhere")
    if path.exists() and not replaces and not _is_report(path):
        raise ClanError(f"{path} exists and is not a report: give another name, or --force")
    text = page(run)
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise ClanError(f"{path} cannot be written: {error}") from error
    return path


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(HEAD)) == HEAD.encode()
