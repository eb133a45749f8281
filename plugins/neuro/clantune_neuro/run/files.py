"""Files that are written as a whole or not at all, and read with an error that names them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any

from clantune_neuro.errors import DirectoryError, NeuroError


def write_whole(file: Path, text: str) -> None:
    """Write a file aside, and put it in its place when the disk has it."""
    aside = file.with_name(f"{file.name}.part")
    with aside.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(file)


def read_json(file: Path) -> Any:
    """Return the data in a file of a run.

    Raises:
        DirectoryError: The file is missing or is not JSON.
    """
    try:
        return json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise DirectoryError(
            f"{file.parent} contains no run: {file.name} is missing", folder=str(file.parent)
        ) from None
    except ValueError as error:
        raise damaged(file, error) from error


def require_entries(what: str, data: Any, entries: Mapping[str, tuple[type, ...]]) -> None:
    """Check that data is an object of JSON whose entries have their types.

    Args:
        what: What the data is, for the message.
        data: The data.
        entries: The types that an entry may have, by its name. A bool is not an int.

    Raises:
        TypeError: It is not an object, or an entry has another type.
        ValueError: An entry is missing.
    """
    if not isinstance(data, dict):
        raise TypeError(f"{what} must be an object; it is {data!r:.80}")
    for name, types in entries.items():
        if name not in data:
            raise ValueError(f"{what} has no entry {name!r}")
        if type(data[name]) not in types:
            names = " or ".join("null" if one is NoneType else one.__name__ for one in types)
            raise TypeError(f"{name!r} of {what} must be {names}; it is {data[name]!r:.80}")


def damaged(file: Path, error: Exception, *, line: int | None = None) -> DirectoryError:
    """Return the error that says that a file of a run cannot be read.

    Args:
        file: The file.
        error: What went wrong.
        line: Number of the line, from 1, in a file of lines.
    """
    where = "" if line is None else f" in line {line}"
    reason = f"{type(error).__name__}: {error}"
    return DirectoryError(f"{file} is damaged{where}: {reason}", folder=str(file.parent))


def writable(file: str | os.PathLike[str], endings: Sequence[str]) -> Path:
    """Return the path of a file to write.

    Args:
        file: The file.
        endings: The endings that it may have.

    Raises:
        NeuroError: It has another ending, or its folder does not exist.
    """
    path = Path(file)
    if path.suffix not in endings:
        raise NeuroError(f"{path} has the ending {path.suffix!r}; use one of {', '.join(endings)}")
    if not path.parent.is_dir():
        raise NeuroError(f"{path} cannot be written: there is no folder {path.parent}")
    return path
