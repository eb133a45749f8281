"""Joining the process group that a launcher has prepared, and leaving it again.

A new channel makes the group unless it exists already. A channel leaves the group when it is
closed. The last channel to leave destroys the group if a channel has made it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import weakref
from datetime import timedelta

import attrs
import torch
import torch.distributed as dist
from torch.distributed import (  # type: ignore[attr-defined]  # not listed
    PrefixStore,
    Store,
    TCPStore,
)

from clantune_clan.communication.arrival import Arrivals
from clantune_clan.communication.patience import within
from clantune_clan.errors import ClanError, CommunicationError

VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")

ATTEMPT = "TORCHELASTIC_RESTART_COUNT"

TIMEOUT = 600.0
"""Seconds for which a rank waits for another one, if the user gives no number."""

PATIENCE = 3.0
"""Seconds that the process that hosts the store waits for the others before it exits."""


@attrs.define
class _Launch:
    """The environment that the launcher has prepared, and the groups that channels made in it.

    Attributes:
        store: Store of the launcher; this process connects to it once and stays connected.
        rank: Number of this process, from 0.
        world_size: Number of processes.
        groups: Number of default process groups that channels have made, one after the other.
        group: Reference to the last of these groups, if it still exists.
        channels: Number of open channels that use that group.
    """

    store: Store
    rank: int
    world_size: int
    groups: int = 0
    group: weakref.ref[dist.ProcessGroup] | None = None
    channels: int = 0

    @property
    def has_made_world(self) -> bool:
        """Whether the default process group is one that a channel has made."""
        world = self.group and self.group()
        return world is not None and world is dist.group.WORLD


_launch: _Launch | None = None


def join(timeout: timedelta) -> bool:
    """Make the default process group that `torchrun` or another launcher describes.

    The description is in environment variables. This makes no group if there is one already, or
    if no launcher has started this process.

    Returns:
        Whether the channel uses a group that a channel has made. If so, it calls `leave` once.

    Raises:
        ClanError: The environment names several processes, but not how to reach them.
    """
    if not dist.is_available():
        return False
    if not dist.is_initialized() and _is_launched():
        _make_group(timeout)
    if _launch is None or not _launch.has_made_world:
        return False
    _launch.channels += 1
    return True


def init(timeout: float = TIMEOUT) -> None:
    """Make the default process group, for code that needs it before there is a clan.

    A `Clan` does this by itself. The group is the one that `torchrun` or `clantune launch`
    describes. After a restart it does not use the addresses of processes that have ended, which
    `torch.distributed.init_process_group` does with gloo. It lasts until the process ends.

    Args:
        timeout: Seconds to wait for another rank.

    Raises:
        CommunicationError: A rank does not arrive; the error names it.
    """
    join(timedelta(seconds=timeout))


def leave() -> None:
    """Leave the default process group. The last channel to leave destroys it."""
    assert _launch is not None  # noqa: S101  (`join` has returned true)
    _launch.channels -= 1
    if _launch.channels == 0 and _launch.has_made_world:
        dist.destroy_process_group()


def current_world_size() -> int:
    """Return the number of processes in the default process group; 1 without a group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def is_restarted() -> bool:
    """Return whether torchrun has restarted these processes after a failure."""
    return os.environ.get(ATTEMPT, "0") != "0"


def _is_launched() -> bool:
    missing = [name for name in VARIABLES if name not in os.environ]
    if missing and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ClanError(
            f"WORLD_SIZE says that this is one of {os.environ['WORLD_SIZE']} processes, but the "
            f"clan cannot join the others without {' and '.join(missing)} in the environment: "
            "start the script with torchrun or `clantune launch`, or make the clan after "
            "torch.distributed.init_process_group(...). In Lightning, leave the clan out of the "
            "module, and write Trainer(callbacks=[ClanCallback(judge='val_loss')])"
        )
    return not missing


def _make_group(timeout: timedelta) -> None:
    global _launch  # noqa: PLW0603  (a process has one launcher)
    if _launch is None:
        rank, world_size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        # After a restart the store still has the addresses of processes that have ended. So each
        # attempt uses its own prefix.
        attempt = os.environ.get(ATTEMPT, "0")
        store = PrefixStore(f"attempt{attempt}", _connect(rank, timeout))
        _launch = _Launch(store, rank, world_size)
        # Finalizers run in reverse order of registration, so those of channels run before this one.
        weakref.finalize(_launch, _end)
    store = PrefixStore(f"group{_launch.groups}", _launch.store)
    rank, world_size = _launch.rank, _launch.world_size
    arrivals = Arrivals(store, rank, world_size, timeout)
    arrivals.meet("the start of the process group")  # torch would not name a rank that is missing
    excepthook = sys.excepthook
    arrivals.begin(
        "the start of the process group",
        lambda: dist.init_process_group(
            _backend(), store=store, rank=rank, world_size=world_size, timeout=timeout
        ),
    )
    arrivals.close()
    if _launch.groups:
        sys.excepthook = excepthook  # torch wraps it at each call, and once is enough
    world = dist.group.WORLD
    _launch.group = None if world is None else weakref.ref(world)
    _launch.groups += 1


def _connect(rank: int, timeout: timedelta) -> Store:
    """Return the store of the launcher, or of rank 0 if the launcher hosts none."""
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    launcher_hosts = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    is_host = rank == 0 and not launcher_hosts
    try:
        return TCPStore(
            host,
            port,
            is_master=is_host,
            timeout=timeout,
            wait_for_workers=False,  # the first meeting names those who do not come
            multi_tenant=True,
        )
    except RuntimeError as error:
        problem = "open" if is_host else "reach"
        raise CommunicationError(
            f"rank {rank} cannot {problem} the store at {host}:{port}, which "
            f"{'the launcher' if launcher_hosts else 'rank 0'} hosts, within "
            f"{timeout.total_seconds():g} s ({str(error).splitlines()[0]})",
            missing=() if launcher_hosts or is_host else (0,),
        ) from error


def _backend() -> str:
    """Return NCCL for tensors on a GPU if each process of this machine has a GPU of its own."""
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    has_own = torch.cuda.is_available() and torch.cuda.device_count() >= local
    return "cpu:gloo,cuda:nccl" if has_own and dist.is_nccl_available() else "gloo"


def _end() -> None:
    """Destroy the group at the exit of the process, and wait for the others if it hosts the store.

    If a gloo thread frees a tensor after Python has ended, it aborts the process. So the group
    must end before Python does.
    """
    assert _launch is not None  # noqa: S101  (`_make_group` registers this after it sets it)
    if _launch.has_made_world:
        dist.destroy_process_group()
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True":
        return  # the launcher hosts the store, and outlives all processes
    # An error means that the host has ended or is stopped, so no rank waits for this one.
    with contextlib.suppress(dist.DistNetworkError, TimeoutError):
        within(2 * PATIENCE, _leave_together)


def _leave_together() -> None:
    assert _launch is not None  # noqa: S101  (`_end` has checked it)
    left = _launch.store.add("left", 1)
    until = time.monotonic() + PATIENCE
    while _launch.rank == 0 and left < _launch.world_size and time.monotonic() < until:
        time.sleep(0.02)
        left = _launch.store.add("left", 0)
