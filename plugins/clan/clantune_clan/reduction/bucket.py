"""A flat tensor in which the gradients of several parameters are averaged.

After the gradients it contains the numbers of `along`, and which parameters had a gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import Parameter

from clantune_clan.reduction.along import Counts, numbers_of, read_counts
from clantune_clan.reduction.soundness import is_finite, require_plain, zero_unless

Wait = Callable[[dist.Work], None]
"""A function that waits for a sum, and raises an error if it fails."""


class Bucket:
    """Parameters whose gradients are averaged together. The layout and order of sums are fixed."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        """Allocate the flat tensor for parameters of one type on one device."""
        self.parameters = tuple(parameters)
        first, count = self.parameters[0], sum(p.numel() for p in self.parameters)
        numbers = 1 + len(numbers_of(0, stops=False)) + len(self.parameters)
        self._flat = torch.zeros(count + numbers, dtype=first.dtype, device=first.device)
        self._values, self._along = self._flat[:count], self._flat[count:]
        parts = self._values.split([parameter.numel() for parameter in self.parameters])
        self._views = [_like(part, p) for part, p in zip(parts, self.parameters, strict=True)]
        self._used = [False] * len(self.parameters)
        self._work: dist.Work | None = None

    def take(self, share: float) -> Tensor:
        """Copy the gradients, scaled by their share in the mean; return whether all are finite.

        A missing gradient gives zeros.

        Raises:
            GradientError: A gradient is of a kind that cannot be averaged.
        """
        views, gradients = [], []
        for place, (parameter, view) in enumerate(zip(self.parameters, self._views, strict=True)):
            gradient = parameter.grad
            self._used[place] = gradient is not None
            if gradient is None:
                view.zero_()
            elif gradient is not view:  # an averaged gradient that later passes added to is a view
                require_plain(gradient)
                views.append(view)
                gradients.append(gradient)
        with torch.no_grad():
            if views:
                torch._foreach_copy_(views, gradients)
            self._values.mul_(share)
        return is_finite(self._values)

    def launch(self, group: dist.ProcessGroup, step: int, *, sound: Tensor, stops: bool) -> None:
        """Begin to add up. A rank that is not sound contributes zeros and a weight of zero."""
        sound = sound.to(self._flat.device)
        zero_unless(sound, self._values)
        numbers = [*numbers_of(step, stops=stops), *map(float, self._used)]
        self._along[0] = sound
        self._along[1:].copy_(torch.tensor(numbers, dtype=self._along.dtype))
        self._work = dist.all_reduce(self._flat, group=group, async_op=True)

    def wait(self, wait: Wait, step: int) -> Counts:
        """Wait for the sums, and return how many ranks are sound, in this step, and want to stop.

        Args:
            wait: Function that waits for a sum.
            step: Step that this rank is in.
        """
        work, self._work = self._work, None
        if work is not None:
            wait(work)
        sums = self._along.tolist()
        self._used = [count > 0 for count in sums[-len(self.parameters) :]]
        return read_counts(sums[0], 0, sums[1 : -len(self.parameters)], step)

    def hand_out(self, factor: float) -> None:
        """Set gradients to the sums times a factor, or to None if no rank used the parameter."""
        if factor != 1.0:
            self._values.mul_(factor)
        for parameter, view, used in zip(self.parameters, self._views, self._used, strict=True):
            parameter.grad = view if used else None

    def give_up(self, wait: Wait | None) -> None:
        """Wait for a sum that is under way; without a function that waits, leave it."""
        work, self._work = self._work, None
        if work is not None and wait is not None:
            wait(work)


def buckets_of(parameters: Sequence[Parameter]) -> list[Bucket]:
    """Return one bucket for each type and device of the parameters."""
    together: dict[object, list[Parameter]] = {}
    for parameter in parameters:
        together.setdefault((parameter.dtype, parameter.device), []).append(parameter)
    return [Bucket(alike) for alike in together.values()]


def _like(part: Tensor, parameter: Parameter) -> Tensor:
    """Return a view in the shape of a parameter, with its memory layout if that is dense."""
    if _is_dense(parameter):
        return part.as_strided(parameter.size(), parameter.stride(), part.storage_offset())
    return part.view(parameter.shape)


def _is_dense(tensor: Tensor) -> bool:
    """Whether a tensor fills its memory without gaps, in any order of dimensions."""
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.size(), strict=True)):
        if size > 1 and stride != expected:
            return False
        expected *= size
    return True
