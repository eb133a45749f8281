"""The process groups of a channel, in one place, so that the channel can destroy all of them."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Sequence
from datetime import timedelta

import torch.distributed as dist

_ALL: weakref.WeakSet[Groups] = weakref.WeakSet()

_INHERITED: list[dist.ProcessGroup] = []
"""Groups of the process that has forked this one, such as a worker of a loader. Their threads are
not here, so that to destroy a group would wait for them without end."""


def _keep_inherited() -> None:
    for groups in [*_ALL]:
        groups.forget(_INHERITED)


os.register_at_fork(after_in_child=_keep_inherited)


class Groups:
    """Makes process groups, and destroys them.

    torch ends the threads of a gloo group when the last reference to the group is gone. So only
    this object keeps references, and other code looks groups up by name.
    """

    def __init__(self, timeout: timedelta) -> None:
        """Begin without groups.

        Args:
            timeout: Time for which a rank waits for another one.
        """
        self._timeout = timeout
        self._groups: dict[str, dist.ProcessGroup] = {}
        _ALL.add(self)

    def __getitem__(self, name: str) -> dist.ProcessGroup:
        """Return the group of this name that this rank belongs to."""
        return self._groups[name]

    def get(self, name: str) -> dist.ProcessGroup | None:
        """Return the group of this name that this rank belongs to, or None."""
        return self._groups.get(name)

    def make(self, name: str, divisions: Sequence[Sequence[int]], backend: str | None) -> None:
        """Make one group for each set of ranks, in place of earlier groups of this name.

        All ranks make all groups together in the same order, as torch requires. Each rank keeps
        the group that it belongs to.

        Args:
            name: Name of the groups in this object.
            divisions: Ranks of each group.
            backend: Backend of the groups; None: the one of the default process group.
        """
        self._destroy(name)
        for ranks in divisions:
            group = dist.new_group([*ranks], backend=backend, timeout=self._timeout)
            if dist.get_rank() in ranks:
                self._groups[name] = group

    def forget(self, kept: list[dist.ProcessGroup]) -> None:
        """Move all groups to a list, without destroying them."""
        kept += self._groups.values()
        self._groups = {}

    def close(self) -> None:
        """Destroy all groups, on this rank."""
        for name in [*self._groups]:
            self._destroy(name)

    def _destroy(self, name: str) -> None:
        group = self._groups.pop(name, None)
        if group is not None:
            with contextlib.suppress(ValueError):  # the user has destroyed all groups
                dist.destroy_process_group(group)
