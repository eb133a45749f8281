"""The pace of a run: what the learning rate is multiplied with in each step, beside the gene.

It acts inside a step of the optimizer and leaves no trace: between two steps the objects hold what
the gene says, or what a scheduler has set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import torch
from torch import Tensor
from torch.optim import Optimizer

from clantune_clan.errors import ClanError


@attrs.frozen
class Pace:
    """Linear warm-up and cooldown of a run whose length is known.

    Attributes:
        total_steps: Steps of the run; None if nobody knows, and then there is no pace.
        warmup: Share of the run in which it rises.
        cooldown: Share of the run, at its end, in which it falls.
        begin: The first step that counts: those before it were for calibration.
    """

    total_steps: int | None = None
    warmup: float = 0.1
    cooldown: float = 0.2
    begin: int = 0

    def __attrs_post_init__(self) -> None:
        for name in ("warmup", "cooldown"):
            share = getattr(self, name)
            if not 0.0 <= share <= 1.0:
                raise ClanError(f"{name} is a share of the run, 0 to 1; got {share!r}")

    def factor(self, step: int) -> float:
        """Return what the learning rate is multiplied with in a step, counted from 0."""
        if self.total_steps is None:
            return 1.0
        up = (step - self.begin + 1) / max(1.0, self.warmup * self.total_steps)
        left = self.total_steps - step
        down = left / max(1.0, self.cooldown * self.total_steps)
        return max(0.0, min(1.0, up, down))


class PacedLearningRate:
    """Multiplies the learning rates of an optimizer inside its steps."""

    def __init__(self, optimizer: Optimizer, factors: Callable[[], Mapping[int, float]]) -> None:
        """Hook into the steps of an optimizer.

        Args:
            optimizer: Whose learning rates are multiplied.
            factors: Asked at each step: by place of a param group what its rate is multiplied with.
        """
        self._optimizer = optimizer
        self._factors = factors
        self._tensors: list[tuple[Tensor, Tensor]] = []
        self._numbers: list[tuple[dict[str, Any], float]] = []
        self._hooks = [
            optimizer.register_step_pre_hook(self._before),
            optimizer.register_step_post_hook(self._after),
        ]

    def close(self) -> None:
        """Let go of the optimizer."""
        self._restore()
        for hook in self._hooks:
            hook.remove()

    def _before(self, *_: object) -> None:
        self._restore()  # a step that failed has not done it
        for place, factor in self._factors().items():
            group = self._optimizer.param_groups[place]
            rate = group["lr"]
            if factor == 1.0 or any(rate is held for held, _ in self._tensors):
                continue  # groups may share a tensor
            if isinstance(rate, Tensor):
                self._tensors.append((rate, rate.clone()))
                with torch.no_grad():
                    rate.mul_(factor)
            else:
                self._numbers.append((group, rate))
                group["lr"] = rate * factor

    def _after(self, *_: object) -> None:
        self._restore()

    def _restore(self) -> None:
        for tensor, rate in self._tensors:
            with torch.no_grad():
                tensor.copy_(rate)
        for group, number in self._numbers:
            group["lr"] = number
        self._tensors, self._numbers = [], []
