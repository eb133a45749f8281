"""Averaging of gradients at the end of each backward pass, over the ranks that cooperate.

The module is not wrapped: a hook on each parameter reports that its gradient has arrived. The
group is read when gradients arrive. So it may change after the forward pass.
"""

from __future__ import annotations

import contextlib
import functools
import weakref
from collections.abc import Iterable, Iterator
from typing import Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd import Variable
from torch.optim import Optimizer
from torch.utils.weak import WeakTensorKeyDictionary

from clantune_clan.communication import Communication
from clantune_clan.communication.patience import poll_for_sum, wait_for_sum
from clantune_clan.errors import ClanError, GradientError
from clantune_clan.gradients.bucket import Bucket
from clantune_clan.gradients.fingerprint import ParameterFingerprint
from clantune_clan.gradients.layout import buckets_of
from clantune_clan.gradients.wrappers import Wrappers
from clantune_clan.unwrapping import bare_module
from clantune_core import ClanTuneError

Reduction = Literal["exact", "overlap"]

_AVERAGED_BY = WeakTensorKeyDictionary()
"""The `Gradients` that average the gradient of each parameter, by weak references on both sides."""


class Gradients:
    """Averages the gradients of a module's parameters over a group of ranks, or over none.

    Attributes:
        reduction: Method of averaging. `"exact"` adds up once, when all gradients have arrived; a
            rank with a gradient that is not finite is left out as a whole. `"overlap"` adds up
            parts during the backward pass; if only some parts of a rank are finite, all ranks skip
            the pass.
        steps: Number of steps that the optimizer has made.
        averaged: Number of backward passes that were averaged, equal on all ranks.
        left_out: Number of passes that left this rank out because its gradients were not finite.
        skipped: Number of passes that all ranks skipped.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        communicator: Communication,
        reduction: Reduction,
    ) -> None:
        """Register hooks on the parameters that require gradients.

        Raises:
            GradientError: A parameter's gradient cannot be averaged, another object averages it
                already, or the optimizer has parameters that the module does not have.
        """
        self.reduction = reduction
        self.steps = self.averaged = self.left_out = self.skipped = 0
        self._communicator = communicator
        module = bare_module(model)
        self._fingerprint = ParameterFingerprint(module, optimizer)
        self._parameters = [p for p in module.parameters() if p.requires_grad]
        _require_no_other(self._parameters)
        self._buckets = buckets_of(self._parameters, overlap=reduction == "overlap")
        self._bucket_of = {id(p): bucket for bucket in self._buckets for p in bucket.parameters}
        self._group: weakref.ref[dist.ProcessGroup] | None = None  # its owner may destroy it
        self._size = 1
        self._paused = False
        self._step = 0
        self._backward = -1  # number of the graph of the current backward pass
        self._launched: list[bool] = []  # for each launched bucket, whether it was finite
        self._unused = False  # whether gradients have arrived that no step has used yet
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []
        self._wrappers = Wrappers(model, communicator)
        weakref.finalize(self, self._wrappers.close).atexit = False
        self._hook(optimizer)

    def average_over(self, group: dist.ProcessGroup | None) -> None:
        """Set the group that averages gradients from now on; None: each rank keeps its own."""
        self._group = None if group is None else weakref.ref(group)
        self._size = 1 if group is None else group.size()

    def at_step(self, step: int) -> None:
        """Set the number of the step, which each rank sends along with its gradients.

        Raises:
            ClanError: All hooks are removed, so gradients are not averaged any more.
        """
        if not self._hooks:
            raise ClanError(
                "this run is closed, so its members take no more steps: make a new Clan"
            )
        self._step = step

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Accumulate gradients on this rank inside the block. The next pass averages their sum."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before

    @property
    def are_pending(self) -> bool:
        """Whether the optimizer has yet to use some gradients in a step.

        A gradient that a step has used does not count, even if it was not zeroed since.
        """
        return self._unused and any(
            p.grad is not None and bool(p.grad.any()) for p in self._parameters
        )

    def problem(self) -> GradientError | None:
        """Return an error if the parameters have changed, or if a hook runs after ClanTune's."""
        return self._fingerprint.problem() or self._late_hook()

    def close(self) -> None:
        """Remove all hooks. Each rank keeps its own gradients from now on."""
        for hook in self._hooks:
            hook.remove()
        for parameter in self._parameters if self._hooks else ():
            del _AVERAGED_BY[parameter]
        self._hooks = []
        self._wrappers.close()

    def _hook(self, optimizer: Optimizer) -> None:
        # Parameters and the optimizer outlive this object, and their hooks must not keep it alive.
        arrived, stepped = weakref.WeakMethod(self._arrived), weakref.WeakMethod(self._stepped)

        def on_gradient(parameter: Tensor) -> None:
            if (method := arrived()) is not None:
                method(parameter)

        def on_step(*_: object) -> None:
            if (method := stepped()) is not None:
                method()

        for parameter in self._parameters:
            self._hooks.append(parameter.register_post_accumulate_grad_hook(on_gradient))
            _AVERAGED_BY[parameter] = weakref.ref(self)
        self._hooks.append(optimizer.register_step_post_hook(on_step))

    def _late_hook(self) -> GradientError | None:
        """Return an error if a later hook would see gradients before they are averaged."""
        for parameter, hook in zip(self._parameters, self._hooks, strict=False):
            hooks = parameter._post_accumulate_grad_hooks
            if next(reversed(hooks)) != hook.id:
                return GradientError(
                    "a hook was registered by register_post_accumulate_grad_hook after the member "
                    "was set up; it sees gradients before they are averaged: an optimizer that "
                    "steps inside the backward pass does not go with a clan"
                )
        return None

    def _stepped(self) -> None:
        self.steps += 1
        self._unused = False

    def _arrived(self, parameter: Tensor) -> None:
        if not self._unused:
            self._unused = True
            self._wrappers.end_first_step()
        if self._group is None or self._paused:
            return
        backward = torch._C._current_graph_task_id()
        if backward != self._backward:
            self._begin(backward)
        if parameter.grad is None:
            raise GradientError(
                f"the gradient of {self._fingerprint.name_of(parameter)!r} is gone when it has "
                "just arrived: an optimizer that steps inside the backward pass does not go with "
                "a clan"
            )
        if self._bucket_of[id(parameter)].arrive() and self.reduction == "overlap":
            self._launch_full()

    def _begin(self, backward: int) -> None:
        if self._backward != -1:
            self._forget()  # an exception has interrupted the last backward pass
        self._backward = backward
        Variable._execution_engine.queue_callback(functools.partial(self._end, backward))

    def _launch_full(self) -> None:
        """Launch full buckets in the order of the list, which is the same on all ranks."""
        while len(self._launched) < len(self._buckets):
            bucket = self._buckets[len(self._launched)]
            if not bucket.is_full:
                return
            bucket.take(1.0 / self._size)
            self._launch(bucket, sound=bucket.is_finite())

    def _launch(self, bucket: Bucket, *, sound: bool) -> None:
        group = None if self._group is None else self._group()
        assert group is not None  # noqa: S101  (`_arrived` has checked it)
        bucket.launch(group, self._step, sound=sound, stops=self._communicator.stop.signal > 0)
        self._launched.append(sound)

    def _end(self, backward: int) -> None:
        if backward != self._backward:
            raise GradientError(
                "one backward pass ran inside another, and ended it too early: use "
                "torch.utils.checkpoint.checkpoint(..., use_reentrant=False)"
            )
        try:
            rest = self._buckets[len(self._launched) :]
            for bucket in rest:
                bucket.take(1.0 / self._size)
            sound = [bucket.is_finite() for bucket in rest]
            whole = self.reduction == "exact"
            for bucket, is_sound in zip(rest, sound, strict=True):
                self._launch(bucket, sound=all(sound) if whole else is_sound)
            self._finish()
        except BaseException:
            self._forget(waits=False)  # the first error names the rank, and others would hide it
            raise
        self._forget()

    def _finish(self) -> None:
        try:
            counts = [b.wait(self._wait, self._step) for b in self._buckets]
        except (RuntimeError, ValueError) as error:
            raise self._interrupted(error) from error
        weights = {weight for weight, _, _ in counts}
        if any(present != self._size for _, present, _ in counts):
            raise self._out_of_step()
        if any(stops for _, _, stops in counts):
            self._communicator.stop.is_known_to_peers = True
        self.averaged += 1
        self.left_out += not all(self._launched)
        if len(weights) > 1 or weights == {0}:
            self.skipped += 1
            for bucket in self._buckets:
                bucket.drop()
            return
        factor = self._size / weights.pop()
        for bucket in self._buckets:
            bucket.hand_out(factor)

    def _forget(self, *, waits: bool = True) -> None:
        for bucket in self._buckets:
            bucket.clear(self._wait if waits else None)
        self._launched = []
        self._backward = -1

    def _out_of_step(self) -> GradientError:
        places = self._communicator.whereabouts(f"step {self._step}")
        return GradientError(
            f"the ranks are not in the same step: {places}; every rank calls member.step() once "
            "per batch, and backward as often as the others"
        )

    def _wait(self, work: dist.Work) -> None:
        wait = poll_for_sum if self._buckets[0].is_on_accelerator else wait_for_sum
        wait(work, self._communicator.deadline, self._communicator.is_broken)

    def _interrupted(self, error: Exception) -> ClanTuneError:
        return self._communicator.broken(
            "averaging gradients",
            f"averaging gradients in step {self._step}",
            error,
            "; every rank calls backward as often as the others while members cooperate",
        )


def _require_no_other(parameters: Iterable[Tensor]) -> None:
    for parameter in parameters:
        if _AVERAGED_BY.get(parameter, lambda: None)() is not None:
            raise GradientError(
                "the gradients of this model are averaged by another clan already, which "
                "would divide them twice; close that one first: clan.close()"
            )
