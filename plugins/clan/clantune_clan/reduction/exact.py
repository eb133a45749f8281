"""The reduction `"exact"`: one flat sum when all gradients of a backward pass are complete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from clantune_clan.communication import Communication
from clantune_clan.reduction.along import Counts
from clantune_clan.reduction.bucket import buckets_of
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
        self._wrappers = Wrappers(model, communicator)
        self.when_closed(self._wrappers.close)

    def _note(self, parameter: Tensor) -> None:  # noqa: ARG002
        self._wrappers.end_first_step()

    def _complete(self) -> None:
        self.average()

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
            tuple(divisor for each in counts for divisor in each.sound),
            min(each.present for each in counts),
            max(each.stops for each in counts),
        )

    def _hand_out(self, factor: float) -> None:
        for bucket in self._buckets:
            bucket.hand_out(factor)

    def _forget(self, wait: Callable[..., None] | None) -> None:
        for bucket in self._buckets:
            bucket.give_up(wait)
