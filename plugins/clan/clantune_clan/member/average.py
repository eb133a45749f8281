"""A running average of the weights. It is evaluated instead of them because it is less noisy."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from clantune_clan.errors import ClanError
from clantune_clan.shards import local, reshard, sharded_modules
from clantune_clan.unwrapping import bare_module

HORIZON = 0.4
"""Share of a round over which the weights are averaged."""

SAMPLES = 32
"""Least number of updates of the average in a round. More would cost time for little accuracy."""


class WeightAverage:
    """Exponential average of the weights and the saved floating-point buffers of a model.

    Attributes:
        every: Number of steps from one update to the next.
    """

    def __init__(self, model: nn.Module) -> None:
        """Start from the current weights."""
        module = bare_module(model)
        saved = module.state_dict().keys()  # other buffers contain no learned values
        self._sharded = sharded_modules(module)
        reshard(self._sharded)
        self._holders = {
            name: (module.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2])
            for name, tensor in (*module.named_parameters(), *module.named_buffers())
            if tensor.is_floating_point() and name in saved
        }
        # Half-precision weights are averaged in full precision: rounding would drop small changes.
        self._mean = {
            name: tensor.detach().clone().to(torch.promote_types(tensor.dtype, torch.float32))
            for name, tensor in zip(self._holders, self._live(), strict=True)
        }
        self._aside: list[Tensor] = []
        self.every = 1
        self._share = 1.0
        self._since: int | None = None

    def _live(self) -> list[Tensor]:
        """Return the current tensors, since a forward pass may replace them by others."""
        reshard(self._sharded)
        return [local(getattr(holder, name)) for holder, name in self._holders.values()]

    def covering(self, model: nn.Module, new: Collection[str]) -> WeightAverage:
        """Return the average for a model that has changed. New tensors start from their values.

        Args:
            model: Model that has changed since.
            new: Names of the tensors that were added or replaced.
        """
        made = WeightAverage(model)
        for name, mean in made._mean.items():
            if name in self._mean and name not in new:
                mean.copy_(self._mean[name])
        return made

    @property
    def is_in_place(self) -> bool:
        """Whether the model contains the averages now. This object then has its own weights."""
        return bool(self._aside)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The averages by name, without the copies that `state_dict` makes."""
        return dict(self._mean)

    def over(self, round_length: int) -> None:
        """Average exponentially over the last part of a round of `round_length` steps."""
        self.every = max(1, round_length // SAMPLES)
        self._share = min(1.0, self.every / max(1.0, HORIZON * round_length))
        self._since = None

    def over_last(self, steps: int, round_length: int) -> None:
        """Use the plain mean over the last steps of a round, and ignore the steps before."""
        self.every = 1
        self._since = round_length - max(1, steps)

    def restart(self) -> None:
        """Start again from the current weights."""
        self._require_in_place(False)
        for mean, live in zip(self._mean.values(), self._live(), strict=True):
            mean.copy_(live.detach())

    def update(self, step: int) -> None:
        """Add the weights after a step, counted from 1, if an update is due."""
        self._require_in_place(False)
        if step % self.every:
            return
        if self._since is not None:
            if step <= self._since:
                return
            self._share = 1.0 / (step - self._since)
        with torch.no_grad():
            means, lives = [*self._mean.values()], self._live()
            if all(m.dtype is live.dtype for m, live in zip(means, lives, strict=True)):
                torch._foreach_lerp_(means, lives, self._share)
            else:
                for mean, live in zip(means, lives, strict=True):
                    mean.lerp_(live.to(mean.dtype), self._share)

    def swap_in(self) -> None:
        """Copy the averages into the model, and keep a copy of its own weights."""
        self._require_in_place(False)
        self._aside = [live.detach().clone() for live in self._live()]
        self._copy([*self._mean.values()])

    def swap_out(self) -> None:
        """Restore the model's own weights, bit for bit."""
        self._require_in_place(True)
        self._copy(self._aside)
        self._aside = []

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the averages into the model inside the block."""
        self.swap_in()
        try:
            yield
        finally:
            self.swap_out()

    def state_dict(self) -> dict[str, Tensor]:
        """Return the averages by name."""
        return {name: mean.clone() for name, mean in self._mean.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load averages that `state_dict` returned.

        Raises:
            ClanError: The averages belong to another model.
        """
        if state.keys() != self._mean.keys():
            differing = ", ".join(sorted(state.keys() ^ self._mean.keys()))
            raise ClanError(f"the averages are those of another model: they differ in {differing}")
        for name, mean in self._mean.items():
            mean.copy_(state[name])

    def _copy(self, tensors: list[Tensor]) -> None:
        with torch.no_grad():
            for live, tensor in zip(self._live(), tensors, strict=True):
                live.copy_(tensor)

    def _require_in_place(self, wanted: bool) -> None:
        if self.is_in_place != wanted:
            raise ClanError(
                "the model holds its averaged weights already; leave member.averaged() before "
                "training goes on"
                if self.is_in_place
                else "the model holds its own weights already"
            )
