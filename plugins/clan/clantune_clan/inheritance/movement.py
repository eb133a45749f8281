"""The transfer of tensors from parents to children: bucket by bucket, as copies and as means.

A rank packs its own rows of a bucket before it overwrites them with inherited ones. So members may
exchange their states, even in a cycle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import attrs
import torch
from torch import Tensor

from clantune_clan.communication.buckets import Bucket, Outline, buckets_of
from clantune_clan.communication.transfer import Transfer
from clantune_clan.inheritance.plan import Plan, leading

AHEAD = 2
"""Number of messages under way while a rank packs the next bucket."""

WHERE = "moving what is inherited"

Finish: TypeAlias = Callable[[], None]
"""A function that waits for messages and unpacks them."""


@attrs.frozen
class Movement:
    """The messages that one rank sends and receives.

    Attributes:
        plan: Parents of each child.
        member: Number of this rank's member.
        layouts: Outlines of each member's tensors, in order.
        own: Tensors of this rank.
        inherited: Tensors to fill, some of which may be this rank's own.
        transfer: Transfer to the other members.
    """

    plan: Plan
    member: int
    layouts: Sequence[Mapping[Outline, object]]
    own: Mapping[Outline, Tensor]
    inherited: Mapping[Outline, Tensor]
    transfer: Transfer

    def run(self) -> None:
        """Move all tensors. All ranks call this together."""
        outlines = dict.fromkeys(outline for layout in self.layouts for outline in layout)
        started: deque[Finish] = deque()
        for bucket in buckets_of(outlines):
            started.append(self._copy(bucket))
            means = self.plan.means if has_mean(bucket.dtype) else ()
            started.extend(self._mean(bucket, parents) for parents in means)
            while len(started) > AHEAD:
                started.popleft()()
        for finish in started:
            finish()

    def _copy(self, bucket: Bucket) -> Finish:
        """Begin to send this member's rows to its children, and to receive rows of a parent."""
        parents = [self._copied(child, bucket.dtype) for child in range(len(self.layouts))]
        outgoing, incoming = {}, {}
        if self.member in parents:
            rows = bucket.among(self.layouts[self.member])
            packed = rows.pack(self.own, self._device(bucket))
            outgoing = {c: packed for c, parent in enumerate(parents) if parent == self.member}
        if (parent := parents[self.member]) is not None:
            rows = bucket.among(self.layouts[parent])
            incoming = {parent: rows.empty(self._device(bucket))}
        works = self.transfer.exchange(self.member, outgoing, incoming)

        def finish() -> None:
            for work in works:
                self.transfer.finish(work, WHERE)
            for parent, packed in incoming.items():
                bucket.among(self.layouts[parent]).unpack(packed, self.inherited)

        return finish

    def _mean(self, bucket: Bucket, parents: Mapping[int, float]) -> Finish:
        """Begin to add up the parents' rows. All members take part; non-parents add 0."""
        rows = bucket.among(self.layouts[leading(parents)])
        device, wide = self._device(bucket), wide_type(bucket.dtype)
        # Divide by the greatest weight: then equal weights are 1, and equal counters stay exact.
        weights = {parent: w / max(parents.values()) for parent, w in parents.items()}
        if self.member in weights:
            packed = rows.pack(self.own, device, wide).mul_(weights[self.member])
        else:
            packed = rows.empty(device, wide).zero_()
        work = self.transfer.add_up(packed)

        def finish() -> None:
            self.transfer.finish(work, WHERE)
            if self.plan.parents[self.member] == parents:
                rows.unpack(packed.div_(sum(weights.values())), self.inherited)

        return finish

    def _copied(self, child: int, dtype: torch.dtype) -> int | None:
        """Return the parent from which a child copies values of a type, or None."""
        is_averaged = len(self.plan.parents[child]) > 1 and has_mean(dtype)
        return None if is_averaged or self.plan.keeps_own(child) else self.plan.first(child)

    def _device(self, bucket: Bucket) -> torch.device:
        """Return the device of a bucket's messages."""
        devices = (self.own[r.outline].device for r in bucket.rows if r.outline in self.own)
        return self.transfer.message_device(next(devices, torch.device(bucket.device)))


def has_mean(dtype: torch.dtype) -> bool:
    """Whether values of a type are averaged. Other values are copied from the first parent."""
    return dtype.is_floating_point or dtype.is_complex


def wide_type(dtype: torch.dtype) -> torch.dtype:
    """Return the type in which values of a type are added up."""
    return torch.promote_types(
        dtype if dtype.itemsize > 1 else torch.float32,  # types of 8 bits cannot be promoted
        torch.complex64 if dtype.is_complex else torch.float32,
    )
