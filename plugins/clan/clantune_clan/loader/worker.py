"""The start of a process that loads ahead."""

from __future__ import annotations

import os
from collections.abc import Callable


def begin_worker(usual: Callable[[int], None] | None, number: int) -> None:
    """Begin a worker of a loader.

    A launcher sends a signal to all processes of a group. So the worker has a group of its own: it
    must not end before its rank has saved the run. It ends when its rank does.

    Args:
        usual: Function of the user, `worker_init_fn` of the loader, or None.
        number: Number of the worker.
    """
    os.setpgid(0, 0)
    if usual is not None:
        usual(number)
