"""The lock of a run directory: one process writes it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import weakref
from pathlib import Path
from typing import TextIO

from clantune_neuro.errors import DirectoryError

NAME = "lock"

_HELD: dict[Path, int] = {}
"""The files that this process has locked, each with the number of this process.

The system refuses a lock to other processes alone. A fork has none of the locks.
"""


class Lock:
    """Holds a directory until it is released, or until this process ends.

    The system forgets the lock of a process that ends in any way. The file tells who holds it, for
    messages and for machines whose file systems do not know the locks of others.
    """

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Args:
            folder: An existing directory.

        Raises:
            DirectoryError: A process has it. The error names the process and its machine.
        """
        file = (folder / NAME).resolve()
        if _HELD.get(file) == os.getpid():
            raise _in_use(folder, {"pid": os.getpid(), "host": socket.gethostname()})
        out = file.open("a+", encoding="utf-8")
        try:
            _take(folder, out)
        except BaseException:
            out.close()
            raise
        _HELD[file] = os.getpid()
        self.release = weakref.finalize(self, _release, file, out, os.getpid())


def _take(folder: Path, out: TextIO) -> None:
    try:
        fcntl.lockf(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise _in_use(folder, _holder(out)) from error
    holder = _holder(out)
    if holder.get("host", socket.gethostname()) != socket.gethostname():
        raise _in_use(folder, holder)
    out.truncate(0)
    out.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
    out.flush()


def _holder(out: TextIO) -> dict[str, object]:
    """Return who wrote the file last: empty if nobody holds it, or if it is being written."""
    out.seek(0)
    try:
        found = json.loads(out.read())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _in_use(folder: Path, holder: dict[str, object]) -> DirectoryError:
    pid, host = holder.get("pid", "of an unknown number"), holder.get("host", "this machine")
    advice = "stop it first, or write to another directory"
    if pid == os.getpid() and host == socket.gethostname():
        advice = "that is this process: call close() on the run that has it"
    elif host not in ("this machine", socket.gethostname()):
        advice = f"if that process has ended, delete {folder / NAME}"
    return DirectoryError(
        f"{folder} is in use by process {pid} on {host}; {advice}", folder=str(folder)
    )


def _release(file: Path, out: TextIO, owner: int) -> None:
    if os.getpid() == owner:
        del _HELD[file]
        out.truncate(0)
    out.close()
