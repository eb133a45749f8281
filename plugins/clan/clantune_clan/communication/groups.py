"""The process groups that a channel makes, all in one place, so that all of them are destroyed."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import timedelta

import torch.distributed as dist


class Groups:
    """Makes process groups, and destroys them.

    torch ends the threads of a gloo group when nothing refers to the group any more. So groups are
    kept here alone, and looked up where they are needed.
    """

    def __init__(self, timeout: timedelta) -> None:
        """Begin without groups.

        Args:
            timeout: How long a rank waits for another one.
        """
        self._timeout = timeout
        self._groups: dict[str, dist.ProcessGroup] = {}

    def __getitem__(self, name: str) -> dist.ProcessGroup:
        """Return the group of that name which this rank belongs to."""
        return self._groups[name]

    def get(self, name: str) -> dist.ProcessGroup | None:
        """Return the group of that name which this rank belongs to, or None."""
        return self._groups.get(name)

    def make(self, name: str, divisions: Sequence[Sequence[int]], backend: str | None) -> None:
        """Make a group of each of several sets of ranks, in place of the last ones of that name.

        All ranks make all of them together, in one order, as torch wants it. Each keeps its own.

        Args:
            name: What the groups are called here.
            divisions: Ranks of each group.
            backend: How they communicate; None: as the default process group does.
        """
        self._destroy(name)
        for ranks in divisions:
            group = dist.new_group([*ranks], backend=backend, timeout=self._timeout)
            if dist.get_rank() in ranks:
                self._groups[name] = group

    def close(self) -> None:
        """Destroy all groups, on this rank."""
        for name in [*self._groups]:
            self._destroy(name)

    def _destroy(self, name: str) -> None:
        group = self._groups.pop(name, None)
        if group is not None:
            with contextlib.suppress(ValueError):  # the user has destroyed all groups
                dist.destroy_process_group(group)
