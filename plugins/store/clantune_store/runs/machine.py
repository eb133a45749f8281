"""Facts about the machine and the program of a run."""

from __future__ import annotations

import functools
import getpass
import os
import platform
import shlex
import socket
import subprocess
import sys
from pathlib import Path

from clantune_store.database.canonical import canonical
from clantune_store.database.text import readable

PATIENCE = 5.0
"""Seconds that git may take in a large repository."""


@functools.cache
def facts() -> str:
    """Return the facts about this process as JSON text. It asks once in a process."""
    return canonical(
        {
            "host": readable(socket.gethostname()),
            "user": readable(_user()),
            "os": platform.platform(),
            "python": platform.python_version(),
            "command": readable(shlex.join(sys.orig_argv)[:1000]),
            **_revision(),
        }
    )


def process(pid: int | None = None) -> str:
    """Return the name of a process: host, number, and begin, since numbers are used again.

    Args:
        pid: Number of a process of this machine; None: this process, which is looked up once.
    """
    return _own(os.getpid()) if pid is None else _named(pid)


def is_dead(name: str) -> bool | None:
    """Return whether a process of this machine has ended; None for one of another machine."""
    host, pid, begun = name.rsplit("/", 2)
    if host != _host():
        return None
    return not begun or started(int(pid)) != begun  # one that had ended when it was named has none


def started(pid: int) -> str:
    """Return when a process began, in ticks of this machine; empty if it does not exist.

    Systems without `/proc` know only whether it exists: `"alive"`.
    """
    if not Path("/proc/self/stat").exists():
        return "alive" if _exists(pid) else ""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[18]  # the name before the ) may have spaces


@functools.lru_cache(maxsize=2)
def _own(pid: int) -> str:
    return _named(pid)


def _named(pid: int) -> str:
    return f"{_host()}/{pid}/{started(pid)}"


@functools.cache
def _host() -> str:
    """Return the name of this machine, and of the numbers that its processes have here.

    Containers of one machine may share its name, and each counts its processes by itself.
    """
    try:
        return f"{socket.gethostname()}:{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:  # another system than Linux
        return socket.gethostname()


def _exists(pid: int) -> bool:
    if os.name != "posix":
        return True  # there, signal 0 would end the process
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a table of users
        return str(os.getuid()) if hasattr(os, "getuid") else ""


def _revision() -> dict[str, object]:
    """Return the revision of the folder that the program runs in, if it is one of git."""
    command = ["git", "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    try:
        done = subprocess.run(  # noqa: S603  (a fixed command)
            command, capture_output=True, text=True, errors="replace", timeout=PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):  # no git, no repository, or a very large one
        return {}
    lines = done.stdout.splitlines()
    revision = next((line.split()[2] for line in lines if line.startswith("# branch.oid")), "")
    return {"revision": revision, "changed": any(not line.startswith("#") for line in lines)}
