"""Joining the process group that a launcher has prepared, if nobody has done so yet."""

from __future__ import annotations

import atexit
import contextlib
import os
import time
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.distributed import PrefixStore, Store  # type: ignore[attr-defined]  # not listed
from torch.distributed.rendezvous import rendezvous

VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")

PATIENCE = 3.0
"""Seconds that the process that hosts the store stays for those who still read from it."""


def join(timeout: timedelta) -> None:
    """Make the default process group as `torchrun` and others describe it in the environment.

    Does nothing if there is one already, or if this process was started alone.
    """
    if not dist.is_available() or dist.is_initialized():
        return
    if not all(name in os.environ for name in VARIABLES):
        return
    store, rank, world_size = next(rendezvous("env://", timeout=timeout))
    # After a restart the store still has the addresses of processes that are dead: a prefix of its
    # own keeps each attempt apart.
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    store = PrefixStore(f"attempt{attempt}", store)
    dist.init_process_group(
        _backend(),
        store=store,
        rank=rank,
        world_size=world_size,
        timeout=timeout,
    )
    atexit.register(_leave, store, rank, world_size)


def _backend() -> str:
    """Return NCCL for tensors on a GPU, if each process of this machine has one of its own."""
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    has_own = torch.cuda.is_available() and torch.cuda.device_count() >= local
    return "cpu:gloo,cuda:nccl" if has_own and dist.is_nccl_available() else "gloo"


def _leave(store: Store, rank: int, world_size: int) -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True":
        return  # the launcher hosts the store, and outlives all
    with contextlib.suppress(dist.DistNetworkError):  # the host is gone: nobody waits for this
        store.add("left", 1)
        until = time.monotonic() + PATIENCE
        while rank == 0 and store.add("left", 0) < world_size and time.monotonic() < until:
            time.sleep(0.02)
