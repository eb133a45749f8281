"""Space: for checkpoints, and for batches that workers of a loader hand over."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator

from clantune_clan.doctor.finding import Finding, Plan, note, ok, problem

SHARED = "/dev/shm"  # noqa: S108  (it is examined, not used)
MEGABYTE = 1 << 20
LITTLE = 100 * MEGABYTE
AMPLE = 1024 * MEGABYTE


def space(_: Plan) -> Iterator[Finding]:
    """Say how much space is free."""
    yield _of(os.getcwd(), "the current folder, for checkpoints", "free some, or run elsewhere")
    yield _of(
        tempfile.gettempdir(), "temporary files", "free some, or export TMPDIR with another folder"
    )
    if os.path.isdir(SHARED):
        yield _of(
            SHARED,
            "shared memory, through which the workers of a loader hand over batches",
            "in a container: docker run --shm-size=8g, or --ipc=host",
        )


def _of(place: str, what: str, advice: str) -> Finding:
    free = shutil.disk_usage(place).free
    told = f"{free / MEGABYTE:,.0f} MB free in {place} ({what})"
    if free < LITTLE:
        return problem(told, advice)
    return ok(told) if free >= AMPLE else note(told, advice)
