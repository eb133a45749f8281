"""The reduction `"exact"`: one flat sum when all gradients of a backward pass are complete."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.autograd import Variable
from torch.optim import Optimizer

from clantune_clan.communication import Communication
from clantune_clan.reduction.along import Counts
from clantune_clan.reduction.bucket import Wait, buckets_of
from clantune_clan.reduction.gradients import Gradients
from clantune_clan.reduction.wrappers import Wrappers


class ExactGradients(Gradients):
    """Adds gradients up once, in the fixed order of the parameters.

    Its bits do not depend on the order in which gradients arrive, so a resumed run computes the
    same bits. It works for every model, and with parameters that a pass does not use.
    """

    name: ClassVar = "exact"

    def __init__(
        self, model: nn.Module, optimizers: Sequence[Optimizer], communicator: Communication
    ) -> None:
        """Register hooks; every `DistributedDataParallel` around the model is switched off."""
        super().__init__(model, optimizers, communicator)
        self._buckets = buckets_of(self.parameters)
        self._backward = -1  # number of the graph of the current backward pass
        self._wrappers = Wrappers(model, communicator)
        self.when_closed(self._wrappers.close)

    def _note(self, parameter: Tensor) -> None:  # noqa: ARG002
        self._wrappers.end_first_step()
        backward = torch._C._current_graph_task_id()
        if self.group is not None and backward != self._backward:
            self._begin(backward)

    def _begin(self, backward: int) -> None:
        if self._backward != -1:  # an exception has interrupted the last backward pass
            self._forget(self.wait)
        self._backward = backward
        Variable._execution_engine.queue_callback(functools.partial(self._end, backward))

    def _end(self, backward: int) -> None:
        if backward != self._backward:
            raise self.nested()
        try:
            self.average()
        except BaseException:
            self._forget(None)  # the first error names the rank, and others would hide it
            raise
        self._forget(self.wait)

    def _sum(self) -> Counts:
        taken = [bucket.take(1.0 / self.size) for bucket in self._buckets]
        sound = taken[0]
        for each in taken[1:]:  # a rank is left out as a whole
            sound = torch.logical_and(sound, each.to(sound.device))
        group = self.group
        assert group is not None  # noqa: S101  (a gradient has arrived that is averaged)
        for bucket in self._buckets:
            bucket.launch(group, self.step, sound=sound, stops=self.wants_to_stop)
        counts = [bucket.wait(self.wait, self.step) for bucket in self._buckets]
        self.left_out += not sound
        return Counts(
            counts[0].sound,
            0,
            min(each.present for each in counts),
            max(each.stops for each in counts),
        )

    def _hand_out(self, factor: float) -> None:
        for bucket in self._buckets:
            bucket.hand_out(factor)

    def _forget(self, wait: Wait | None) -> None:
        """Prepare for the next pass: wait for sums that are under way, or leave them."""
        self._backward = -1
        for bucket in self._buckets:
            bucket.give_up(wait)
