"""Atomic and checked writes of files, on a disk that may fail at any moment."""

from __future__ import annotations

import contextlib
import itertools
import os
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from safetensors import SafetensorError

from clantune_clan.errors import CheckpointError

PIECE = 2**20
"""Bytes that are read at once for a checksum."""


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Raise an error of the block, which writes a file, as one that names the file."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be written: {error}") from error


def write_bytes(path: Path, content: bytes) -> str:
    """Write a file and flush it to the disk; return the checksum of its content."""
    path.write_bytes(content)
    return flush(path)


def flush(path: Path) -> str:
    """Flush a file to the disk, and make its checksum meanwhile; return the checksum."""
    with path.open("rb+") as file, ThreadPoolExecutor(1) as thread:
        flushed = thread.submit(os.fsync, file.fileno())
        checksum = _checksum_of_file(file)
        flushed.result()
    return checksum


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Replace a file by the one that the block writes and flushes under the yielded path.

    At any moment the file has the old content or the new one.
    """
    beside = path.with_name(f".{path.name}.unfinished")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def set_aside(path: Path) -> None:
    """Rename a file that a new one replaces: `a.jsonl` to `a.jsonl.old-1`, or the next free number.

    A restart that begins again does so, because the first attempt may have ended on the file of
    another run.
    """
    names = (path.with_name(f"{path.name}.old-{number}") for number in itertools.count(1))
    path.rename(next(name for name in names if not name.exists()))


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the content of a file: at any moment it has the old content or the new one."""
    with replacing(path) as beside:
        write_bytes(beside, content)


def append(content: bytes, path: Path) -> None:
    """Append to a file that exists: all of the content, or nothing if the disk is full."""
    with path.open("r+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        try:
            while content:
                content = content[file.write(content) :]
        except OSError:
            file.truncate(end)
            raise


def read_bytes(path: Path, checksum: str) -> bytes:
    """Return the content of a file.

    Raises:
        CheckpointError: The file is missing, or its checksum has changed since it was written.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    if checksum_of(content) != checksum:
        raise _damaged(path)
    return content


def require_intact(path: Path, checksum: str) -> None:
    """Raise an error if a file is missing, or its checksum has changed since it was written."""
    try:
        with path.open("rb") as file:
            found = _checksum_of_file(file)
    except OSError as error:
        raise _unreadable(path, error) from error
    if found != checksum:
        raise _damaged(path)


def checksum_of(content: bytes, before: str = "0") -> str:
    """Return the CRC-32 of some content, and of what comes before it.

    It finds damage. Against an attacker, who can change the manifest too, no checksum helps.
    """
    return f"{zlib.crc32(content, int(before, 16)):08x}"


def _checksum_of_file(file: BinaryIO) -> str:
    checksum = checksum_of(b"")
    while piece := file.read(PIECE):
        checksum = checksum_of(piece, checksum)
    return checksum


def sync_folder(folder: Path) -> None:
    """Flush the names of a folder's files to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unreadable(path: Path, error: OSError) -> CheckpointError:
    return CheckpointError(f"{path} cannot be read: {error}")


def _damaged(path: Path) -> CheckpointError:
    return CheckpointError(
        f"{path} is damaged: its content has another checksum than when it was written; "
        "resume from another checkpoint"
    )
