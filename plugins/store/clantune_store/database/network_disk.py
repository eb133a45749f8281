"""Whether a file is on a network disk, where SQLite cannot lock it."""

from __future__ import annotations

import re
from pathlib import Path

NETWORK = frozenset(
    {
        *("afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs"),
        *("fuse.sshfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3", "smbfs"),
    }
)
"""Types of file systems, as Linux calls them, whose locks or shared memory do not serve SQLite."""

MOUNTS = Path("/proc/self/mountinfo")

_ESCAPED = re.compile(r"\\([0-7]{3})")  # a space in a path is written as \040


def network_disk_of(path: Path, mounts: Path = MOUNTS) -> str:
    """Return the type of the network disk that a file is on; empty if it is on a local one.

    Args:
        path: File, which need not exist.
        mounts: Table of mounts, as Linux writes it. Other systems have none, so all disks are
            local there.
    """
    if not mounts.exists():
        return ""
    folder = path.resolve().parent
    found, kind = Path("/"), ""
    for line in mounts.read_text("utf-8", "surrogateescape").splitlines():
        left, _, right = line.partition(" - ")
        point = Path(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), left.split()[4]))
        if folder.is_relative_to(point) and len(point.parts) >= len(found.parts):
            found, kind = point, right.split()[0]
    return kind if kind in NETWORK else ""
