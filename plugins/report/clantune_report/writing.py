"""Writing what a command has made to a file of the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clantune_clan.disk import write_atomically
from clantune_core import ClanTuneError


def require_place(path: Path, *, replaces: bool, there: str = "exists") -> None:
    """Raise an error that says what to do if a file cannot be written at a path.

    Args:
        path: Path of the file.
        replaces: Whether a file that is there may be replaced.
        there: What the error says of such a file.
    """
    with _naming(path):
        if path.is_dir():
            raise ClanTuneError(f"{path} is a folder: give the name of a file in it")
        if not path.parent.is_dir():
            raise ClanTuneError(
                f"the folder {path.parent} does not exist: make it, or choose another path"
            )
        if path.exists() and not replaces:
            raise ClanTuneError(f"{path} {there}: give another name, or --force to replace it")


def write(text: str, path: Path) -> None:
    """Write a file. One that exists is replaced at once, or stays as it is.

    Raises:
        ClanTuneError: It cannot be written.
    """
    with _naming(path):
        write_atomically(path, text.encode())


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Raise an error of the system as one that names the file, and not one that is beside it."""
    try:
        yield
    except OSError as error:
        raise ClanTuneError(f"{path} cannot be written: {error.strerror}") from error
