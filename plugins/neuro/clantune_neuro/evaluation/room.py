"""Whether the weights of a chunk fit into memory, asked before they are made."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from clantune_neuro.errors import EvaluationError

BYTES = 4
"""Bytes of a weight, as an integer of 32 bits or as a float32."""

BESIDE = 2
"""Networks that are made beside those of a chunk: integer weights, and a copy in floats."""


def require_room(
    weights: int, members: int, *, there: int | None = None, device: str | torch.device = "cpu"
) -> None:
    """Check that the weights of members can be in memory at once.

    Args:
        weights: Number of weights of each network.
        members: Number of members whose weights are made at once: those of a chunk.
        there: Bytes that they may take; None for what the device has now.
        device: The device of the weights.

    Raises:
        EvaluationError: They do not fit. The error names the bytes and the chunk that fits.
    """
    if there is None:
        there = bytes_there(device)
    each = BYTES * weights
    needed = (members + BESIDE) * each
    if there is None or needed <= there:
        return
    fits = there // each - BESIDE
    advice = (
        f"take chunks of {fits:,} members or fewer"
        if fits > 0
        else "take a smaller network, or a machine with more memory: a single member does not fit"
    )
    raise EvaluationError(
        f"the weights of {members:,} member{'s' * (members != 1)} at once need {needed:,} bytes, "
        f"with {weights:,} weights each, and {there:,} bytes are there; {advice}"
    )


def bytes_there(device: str | torch.device = "cpu") -> int | None:
    """Return the bytes that a device can give to new tensors now; None where it does not say.

    On a CPU this is what the system calls available, or less where the process has a limit.
    """
    device = torch.device(device)
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    known = [each for each in (_available(), _below_the_limit()) if each is not None]
    return min(known, default=None) if device.type == "cpu" else None


def _available() -> int | None:
    """Return what the kernel says is available, caches that it can drop included."""
    if "SC_AVPHYS_PAGES" not in os.sysconf_names:
        return None
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _below_the_limit() -> int | None:
    """Return how far the process is below the limit of its control group, if it has one."""
    limit, used = (_lines(f"/sys/fs/cgroup/memory.{name}") for name in ("max", "current"))
    if not limit or not used or limit[0] == "max":
        return None
    return max(0, int(limit[0]) - int(used[0]))


def _lines(file: str) -> list[str]:
    path = Path(file)
    return path.read_text("ascii").splitlines() if path.is_file() else []
