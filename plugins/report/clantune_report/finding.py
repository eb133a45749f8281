"""Finding the file of the run that a command is about."""

from __future__ import annotations

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
    if (place / USUAL_NAME).is_file():
        return place / USUAL_NAME
    files = sorted(place.glob("*.jsonl"))
    match files if len(files) == 1 else [each for each in files if _may_be_of_a_run(each)]:
        case [only]:
            return only
        case []:
            raise ClanError(
                f"{place} has no file of a run (*.jsonl): give the one that Clan(history=...) names"
            )
        case several:
            names = listed(each.name for each in several)
            raise ClanError(f"{place} has several files of runs: {names}; give one of them")


def _may_be_of_a_run(path: Path) -> bool:
    """Whether a file is empty or begins with the start of a run, as no other file of lines does."""
    try:
        with path.open("rb") as file:
            line = file.readline()
        return not line or isinstance(parsed(line), RunStart)
    except (OSError, ClanTuneError):
        return False
