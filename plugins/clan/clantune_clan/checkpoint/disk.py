"""Atomic and checked writes of files, on a disk that may fail at any moment."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from clantune_clan.errors import CheckpointError


def write_bytes(path: Path, content: bytes) -> str:
    """Write a file and flush it to the disk; return the checksum of its content."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return checksum_of(content)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the content of a file: at any moment it has the old content or the new one."""
    beside = path.with_name(f".{path.name}.unfinished")
    write_bytes(beside, content)
    os.replace(beside, path)
    sync_folder(path.parent)


def append(content: bytes, path: Path) -> None:
    """Append to a file that exists: all of the content, or nothing if the disk is full."""
    with path.open("r+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        try:
            if file.write(content) < len(content):
                file.write(content[file.tell() - end :])  # raises the reason
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
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    if checksum_of(content) != checksum:
        raise CheckpointError(
            f"{path} is damaged: its content has another checksum than when it was written; "
            "resume from another checkpoint"
        )
    return content


def checksum_of(content: bytes) -> str:
    """Return the SHA-256 of some content."""
    return hashlib.sha256(content).hexdigest()


def sync_folder(folder: Path) -> None:
    """Flush the names of a folder's files to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
