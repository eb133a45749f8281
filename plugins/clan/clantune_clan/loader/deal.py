"""The distribution of an epoch's samples over steps and ranks, as pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from clantune_clan.errors import ClanError, LoaderError
from clantune_clan.loader.arguments import check_whole
from clantune_clan.schedule import Schedule


@attrs.frozen
class Window:
    """The samples that all ranks together use in one step.

    Attributes:
        step: Number of the step, counted from 0 over all epochs.
        start: Place of its first sample in the order of the epoch.
        stop: Place after its last sample.
    """

    step: int
    start: int
    stop: int


@attrs.frozen
class Deal:
    """The rules for the distribution of samples, equal on all ranks.

    In cooperation a window has a share for every rank. In competition all members get the same
    window, and it has a share for every rank of a member; members are consecutive ranks. A full
    share has `batch_size` samples. The last window of an epoch takes the remaining samples: its
    shares differ by one sample at most, and none is empty.

    Attributes:
        schedule: Schedule that defines whether members cooperate in a step.
        batch_size: Samples in a full share, 1 or more.
        world_size: Number of ranks, 1 or more.
        ranks_per_member: Number of ranks that train one member; it divides `world_size`.
        drop_last: Whether samples that do not fill a window are left out of the epoch.
    """

    schedule: Schedule
    batch_size: int
    world_size: int
    ranks_per_member: int
    drop_last: bool

    def __attrs_post_init__(self) -> None:
        check_whole("batch_size", "a number of samples", self.batch_size, 1)
        check_whole("world_size", "a number of ranks", self.world_size, 1)
        check_whole("ranks_per_member", "a number of ranks", self.ranks_per_member, 1)
        if self.world_size % self.ranks_per_member:
            raise ClanError(
                f"{self.world_size} ranks cannot be members of {self.ranks_per_member} ranks each: "
                "world_size is a multiple of ranks_per_member"
            )

    @property
    def most(self) -> int:
        """Samples in a full window of the largest kind."""
        return self.world_size * self.batch_size

    @property
    def lookahead(self) -> int:
        """Number of remaining samples above which the size of a step does not depend on them."""
        return self.most + self.world_size

    @property
    def least(self) -> int:
        """Number of samples that give every rank a batch."""
        return self.most if self.drop_last else self.world_size

    def suffices(self, samples: int) -> bool:
        """Whether a number of samples gives every rank a batch."""
        return samples >= self.least

    def shards(self, step: int) -> int:
        """Return the number of different shares in the window of a step."""
        cooperates = self.schedule.mode_at(step) == "cooperative"
        return self.world_size if cooperates else self.ranks_per_member

    def taken(self, step: int, left: int) -> int:
        """Return the number of samples that a step takes.

        Args:
            step: Number of the step.
            left: Remaining samples of the epoch; a number above `lookahead` need not be exact.

        Returns:
            The size of a full window; all remaining samples if the rest would be too small for the
            next step to give every rank a sample; 0 at the end of the epoch.
        """
        full = self.shards(step) * self.batch_size
        if self.drop_last:
            return full if left >= full else 0
        return full if left - full >= self.shards(step + 1) else left

    def windows(self, step: int, samples: int) -> Iterator[Window]:
        """Yield the windows of an epoch of `samples` samples, from its first step to its last."""
        start = 0
        while taken := self.taken(step, samples - start):
            yield Window(step, start, start + taken)
            step, start = step + 1, start + taken

    def share(self, window: Window, rank: int) -> slice:
        """Return the share of a rank in a window, as places in the order of the epoch."""
        shards = self.shards(window.step)
        place, taken = rank % shards, window.stop - window.start
        return slice(
            window.start + taken * place // shards, window.start + taken * (place + 1) // shards
        )

    def check_suffices(self, samples: int, has: str) -> None:
        """Raise an error if an epoch is too short to give every rank a batch.

        Args:
            samples: Number of samples in the epoch.
            has: Beginning of the message, such as `"The dataset has"`.
        """
        each = f"one for each rank (world_size is {self.world_size})"
        if self.drop_last:
            each = (
                f"a full batch for each rank, because drop_last is True (world_size is "
                f"{self.world_size}, batch_size is {self.batch_size})"
            )
        if not self.suffices(samples):
            counted = f"{samples} sample{'s' * (samples != 1)}"
            raise LoaderError(f"{has} {counted} and needs at least {self.least}: {each}")
