"""Finding the file of the run that a command is about."""

from __future__ import annotations

from pathlib import Path

from clantune_clan import ClanError
from clantune_clan.records import RunFile

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
        raise ClanError(f"there is no {place}: give the file that Clan(history=...) names")
    if not place.is_dir():
        return place
    if (place / USUAL_NAME).is_file():
        return place / USUAL_NAME
    match sorted(place.glob("*.jsonl")):
        case [only]:
            return only
        case []:
            raise ClanError(
                f"{place} has no file of a run (*.jsonl): give the one that Clan(history=...) names"
            )
        case several:
            names = ", ".join(each.name for each in several)
            raise ClanError(f"{place} has several files: {names}; give one of them")
