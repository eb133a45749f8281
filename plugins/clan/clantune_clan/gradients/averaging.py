"""Averaging gradients at the end of each backward pass, over whoever cooperates at the moment.

The module is not wrapped: a hook on each parameter puts its gradient into a bucket as soon as it
is there. What is averaged over whom is decided when gradients arrive, so nothing that was decided
before the forward pass can be wrong by then.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd import Variable
from torch.nn import Parameter
from torch.optim import Optimizer

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError, CommunicationError, GradientError
from clantune_clan.gradients.bucket import Bucket
from clantune_clan.gradients.fingerprint import ParameterFingerprint
from clantune_clan.gradients.layout import buckets_of

Reduction = Literal["exact", "overlap"]


class Gradients:
    """Averages the gradients of a module's parameters over a group of ranks, or over none.

    Attributes:
        reduction: `"exact"` adds up once, when all gradients are there; a rank with a gradient
            that is not finite is left out as a whole. `"overlap"` adds up parts while the backward
            pass goes on; a rank that is sound in some parts only makes everybody skip the step.
        averaged: How many backward passes were averaged, which is the same on all ranks.
        left_out: How often this rank was left out because its gradients were not finite.
        skipped: How many steps everybody skipped.
    """

    def __init__(
        self,
        module: nn.Module,
        optimizer: Optimizer,
        communicator: Communication,
        reduction: Reduction,
    ) -> None:
        """Hook into the parameters that learn.

        Raises:
            GradientError: A parameter's gradient cannot be averaged, or the optimizer's parameters
                are not the module's.
        """
        self.reduction = reduction
        self.averaged = self.left_out = self.skipped = 0
        self._communicator = communicator
        self._fingerprint = ParameterFingerprint(module, optimizer)
        self._parameters = [p for p in module.parameters() if p.requires_grad]
        self._buckets = buckets_of(self._parameters, overlap=reduction == "overlap")
        self._bucket_of = {id(p): bucket for bucket in self._buckets for p in bucket.parameters}
        self._group: dist.ProcessGroup | None = None
        self._size = 1
        self._paused = False
        self._step = 0
        self._backward = -1  # the backward pass whose gradients come in, by the number of its graph
        self._launched: list[tuple[Bucket, bool]] = []
        # A clan of one shares with nobody: then there is nothing to hook into.
        self._hooks = [
            p.register_post_accumulate_grad_hook(self._arrived)
            for p in (self._parameters if communicator.world_size > 1 else ())
        ]

    def average_over(self, group: dist.ProcessGroup | None) -> None:
        """Set whose gradients are averaged from now on; None: everybody's own stay."""
        self._group = group
        self._size = 1 if group is None else group.size()

    def at_step(self, step: int) -> None:
        """Set the number of the step, which travels along."""
        self._step = step

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Let gradients add up on this rank inside the block: the next pass averages their sum."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before

    def problem(self) -> GradientError | None:
        """Return what is wrong between two phases: other parameters, or gradients left over."""
        return self._fingerprint.problem() or self._leftover()

    def _leftover(self) -> GradientError | None:
        names = sum(bool(p.grad is not None and p.grad.any()) for p in self._parameters)
        if not names:
            return None
        return GradientError(
            f"{names} of {len(self._parameters)} parameters have gradients left over at the end "
            "of a phase, which would be mixed with those of the next: call "
            "optimizer.zero_grad() before member.step(); if gradients accumulate over several "
            "steps, take the size of a window from member.get_gene('num_grad_accum'), which "
            "ends a window with each phase, or make both phases multiples of it"
        )

    def close(self) -> None:
        """Let go of the parameters."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    def _arrived(self, parameter: Tensor) -> None:
        if self._group is None or self._paused:
            return
        backward = torch._C._current_graph_task_id()
        if backward != self._backward:
            self._begin(backward)
        bucket = self._bucket_of[id(parameter)]
        bucket.take(_as_parameter(parameter), 1.0 / self._size)
        if self.reduction == "overlap" and bucket.is_full:
            self._launch_full()

    def _begin(self, backward: int) -> None:
        if self._backward != -1:
            self._forget()  # an exception ended the last one half-way
        self._backward = backward
        Variable._execution_engine.queue_callback(self._end)

    def _launch_full(self) -> None:
        """Launch what is full, in order: the same order on all ranks, whatever arrives first."""
        while len(self._launched) < len(self._buckets):
            bucket = self._buckets[len(self._launched)]
            if not bucket.is_full:
                return
            self._launch(bucket, sound=bucket.is_finite())

    def _launch(self, bucket: Bucket, *, sound: bool) -> None:
        assert self._group is not None  # noqa: S101  (asked by those who call)
        bucket.launch(self._group, self._step, sound=sound)
        self._launched.append((bucket, sound))

    def _end(self) -> None:
        try:
            rest = self._buckets[len(self._launched) :]
            for bucket in rest:
                bucket.take_rest(1.0 / self._size)
            sound = [bucket.is_finite() for bucket in rest]
            whole = self.reduction == "exact"
            for bucket, is_sound in zip(rest, sound, strict=True):
                self._launch(bucket, sound=all(sound) if whole else is_sound)
            self._finish()
        finally:
            self._forget()

    def _finish(self) -> None:
        try:
            counts = [b.wait(self._communicator.deadline, self._step) for b in self._buckets]
        except (RuntimeError, ValueError) as error:
            raise self._interrupted(error) from error
        weights = {weight for weight, _ in counts}
        if any(present != self._size for _, present in counts):
            raise self._out_of_step()
        self.averaged += 1
        self.left_out += not all(sound for _, sound in self._launched)
        if len(weights) > 1 or weights == {0}:
            self.skipped += 1
            for bucket in self._buckets:
                bucket.drop()
            return
        factor = self._size / weights.pop()
        for bucket in self._buckets:
            bucket.hand_out(factor)

    def _forget(self) -> None:
        for bucket in self._buckets:
            bucket.clear()
        self._launched = []
        self._backward = -1

    def _out_of_step(self) -> GradientError:
        places = self._communicator.whereabouts(f"step {self._step}")
        return GradientError(
            f"the ranks are not in the same step: {places}; every rank calls member.step() once "
            "per batch, and backward as often as the others"
        )

    def _interrupted(self, error: Exception) -> ClanError:
        places = self._communicator.whereabouts(f"averaging gradients in step {self._step}")
        return CommunicationError(
            f"averaging gradients failed: {places}; every rank calls backward as often as the "
            f"others while members cooperate ({str(error).splitlines()[0]})",
            missing=self._communicator.absent,
        )


def _as_parameter(tensor: Tensor) -> Parameter:
    assert isinstance(tensor, Parameter)  # noqa: S101  (hooks are on parameters alone)
    return tensor
