"""A flat tensor in which the gradients of several parameters are averaged.

After the gradients it contains a few numbers: a weight, which is 0 for a rank whose gradients are
not finite; the step that the rank is in; whether it wants to stop; and which parameters had a
gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import Parameter

from clantune_clan.errors import GradientError

Wait = Callable[[dist.Work], None]
"""A function that waits for a sum, and raises an error if it fails."""

STEPS_TOLD_APART = 4
"""Number of successive steps with different codes. A rank that falls behind is found at its first
step, so few codes are enough. Their sums are exact in bfloat16 for up to 256 ranks."""


class Bucket:
    """Parameters whose gradients are averaged together. The layout and order of sums are fixed."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        """Allocate the flat tensor for parameters of one type on one device."""
        self.parameters = tuple(parameters)
        first, count = self.parameters[0], sum(p.numel() for p in self.parameters)
        numbers = 1 + STEPS_TOLD_APART + 1 + len(self.parameters)
        self._flat = torch.zeros(count + numbers, dtype=first.dtype, device=first.device)
        self._values, self._along = self._flat[:count], self._flat[count:]
        parts = self._values.split([parameter.numel() for parameter in self.parameters])
        self._views = [_like(part, p) for part, p in zip(parts, self.parameters, strict=True)]
        self._used = [False] * len(self.parameters)
        self._arrived = 0
        self._work: dist.Work | None = None

    def arrive(self) -> bool:
        """Count one more gradient; return whether all have arrived."""
        self._arrived += 1
        return self.is_full

    @property
    def is_full(self) -> bool:
        """Whether every parameter has got its gradient in this backward pass."""
        return self._arrived == len(self.parameters)

    def take(self, share: float) -> None:
        """Copy the gradients, scaled by their share in the mean; a missing gradient gives zeros.

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
                _require_plain(gradient)
                views.append(view)
                gradients.append(gradient)
        with torch.no_grad():
            if views:
                torch._foreach_copy_(views, gradients)
            self._values.mul_(share)

    def is_finite(self) -> bool:
        """Whether all gradients here are finite."""
        # A sum needs one pass and no mask of the same size. A sum of finite numbers overflows only
        # if they are so large that the step would ruin the weights.
        total = self._values.sum(dtype=torch.promote_types(self._values.dtype, torch.float32))
        return bool(torch.isfinite(total))

    def launch(self, group: dist.ProcessGroup, step: int, *, sound: bool, stops: bool) -> None:
        """Begin to add up. A rank that is not sound contributes zeros and a weight of zero."""
        if not sound:
            self._values.zero_()
        slots = [float(step % STEPS_TOLD_APART == slot) for slot in range(STEPS_TOLD_APART)]
        numbers = [float(sound), *slots, float(stops), *map(float, self._used)]
        self._along.copy_(torch.tensor(numbers, dtype=self._along.dtype))
        self._work = dist.all_reduce(self._flat, group=group, async_op=True)

    def wait(self, wait: Wait, step: int) -> tuple[int, int, int]:
        """Wait for the sums; return how many ranks are sound, in this step, and want to stop."""
        work, self._work = self._work, None
        if work is not None:
            wait(work)
        weight, *numbers = self._along.tolist()
        slots, (stops, *used) = numbers[:STEPS_TOLD_APART], numbers[STEPS_TOLD_APART:]
        self._used = [count > 0 for count in used]
        return round(weight), round(slots[step % STEPS_TOLD_APART]), round(stops)

    def hand_out(self, factor: float) -> None:
        """Set gradients to the sums times a factor, or to None if no rank used the parameter."""
        if factor != 1.0:
            self._values.mul_(factor)
        for parameter, view, used in zip(self.parameters, self._views, self._used, strict=True):
            parameter.grad = view if used else None

    def drop(self) -> None:
        """Set all gradients to None, so that the optimizer does not change the parameters."""
        for parameter in self.parameters:
            parameter.grad = None

    @property
    def is_on_accelerator(self) -> bool:
        """Whether the flat tensor is not in the main memory."""
        return self._flat.device.type != "cpu"

    def clear(self, wait: Wait | None) -> None:
        """Prepare for the next backward pass: wait for a sum that is under way, or give it up."""
        work, self._work = self._work, None
        if work is not None and wait is not None:
            wait(work)
        self._arrived = 0


def _require_plain(gradient: Tensor) -> None:
    if gradient.is_sparse:
        raise GradientError(
            "sparse gradients cannot be averaged; make the embedding with sparse=False"
        )
    if gradient.requires_grad:
        raise GradientError(
            "a gradient that was made with create_graph=True cannot be averaged, since no gradient "
            "passes through an average; for a penalty on it take it by torch.autograd.grad(...)"
        )


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
