"""Finding the file of the run that a command is about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clantune_clan import ClanError
from clantune_clan.records import RunFile, RunStart
from clantune_clan.records.run_file import parsed
from clantune_core import ClanTuneError
from clantune_report.wording import listed

USUAL_NAME = "history.jsonl"


def read_run(place: str | Path) -> RunFile:
    """Read the file of a run.

    Args:
        place: The file that `Clan(history=...)` names, or a folder with one such file.

    Raises:
        ClanError: There is no such file, or it is damaged.
    """
    return RunFile.read(run_file_at(Path(place)))


def run_file_at(place: Path) -> Path:
    """Return the path of the file of a run.

    Args:
        place: The file, or a folder with one such file.

    Raises:
        ClanError: There is no such file, or a folder has several.
    """
    if not place.exists():
        raise ClanError(f"{place} does not exist: give the file that Clan(history=...) names")
    if not place.is_dir():
        return place
    files = _files_in(place)
    one = _one_of(files if len(files) == 1 else [*filter(_may_be_of_a_run, files)], place)
    if one is None:
        raise ClanError(
            f"{place} has no file of a run (*.jsonl): give the one that Clan(history=...) names"
        )
    return one


def begun_file_in(folder: Path) -> Path | None:
    """Return the path of the file of a run in a folder; None before the run begins.

    Raises:
        ClanError: There are several.
    """
    files = [each for each in _files_in(folder) if each.name == USUAL_NAME or _is_begun(each)]
    return _one_of(files, folder)


def other_files_in(folder: Path) -> list[str]:
    """Return the names of the files in a folder that have lines, but not those of a run."""
    return [path.name for path in _files_in(folder) if not _may_be_of_a_run(path)]


def _files_in(folder: Path) -> list[Path]:
    usual = folder / USUAL_NAME
    return [usual] if usual.is_file() else sorted(folder.glob("*.jsonl"))


def _one_of(files: Sequence[Path], folder: Path) -> Path | None:
    if len(files) > 1:
        names = listed(each.name for each in files)
        raise ClanError(f"{folder} has several files of runs: {names}; give one of them")
    return files[0] if files else None


def _may_be_of_a_run(path: Path) -> bool:
    return _first_line(path) == b"" or _is_begun(path)


def _is_begun(path: Path) -> bool:
    """Whether a file begins with the start of a run, as no other file of lines does."""
    line = _first_line(path)
    try:
        return line is not None and isinstance(parsed(line), RunStart)
    except ClanTuneError:
        return False


def _first_line(path: Path) -> bytes | None:
    """Return the first line of a file; None if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.readline()
    except OSError:
        return None
