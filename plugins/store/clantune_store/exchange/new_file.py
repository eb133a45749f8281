"""Writing a file whole: a reader never sees a part of it, and none is replaced by accident."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from clantune_store.errors import StoreError


@contextlib.contextmanager
def new_file(where: str | os.PathLike[str], *, force: bool = False) -> Iterator[Path]:
    """Give the caller a path to write to, which becomes the file at the end.

    Args:
        where: Path of the file.
        force: Whether a file that is there may be replaced.

    Yields:
        Path beside it. What is written there is removed if an error is raised.

    Raises:
        StoreError: There is a file already, or a directory, or no directory to write to.
    """
    path = Path(where)
    if path.is_dir():
        raise StoreError(f"{path} is a directory: give the name of a file in it")
    if not path.parent.is_dir():
        raise StoreError(f"there is no directory {path.parent}: make it, or write elsewhere")
    if path.exists() and not force:
        raise StoreError(f"{path} is there already: give --force to replace it, or another name")
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
