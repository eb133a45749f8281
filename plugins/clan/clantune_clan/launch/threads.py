"""The number of threads that each process computes with."""

from __future__ import annotations

import os


def cores() -> int:
    """Return the number of cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # macOS has none
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def threads_per_process(processes: int) -> int:
    """Return an equal share of the cores, at least 1. More threads than cores slow all down."""
    return max(1, cores() // processes)
