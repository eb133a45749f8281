"""What every reduction has in common: when gradients are averaged, over which ranks, and errors.

A hook on each parameter reports that its gradient has arrived, so a backward pass is noticed
whoever starts it. The group is read when gradients arrive, so it may change after the forward
pass.
"""

from __future__ import annotations

import contextlib
import logging
import math
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim import Optimizer

from clantune_clan.communication import Communication
from clantune_clan.communication.patience import poll_for_sum, wait_for_sum
from clantune_clan.errors import ClanError, GradientError
from clantune_clan.reduction.along import Counts
from clantune_clan.reduction.fingerprint import ParameterFingerprint
from clantune_clan.reduction.hooks import hidden_hook, late_hook, weak_hook
from clantune_clan.reduction.loss_scale import LossScale
from clantune_clan.reduction.owners import claim, release, require_free
from clantune_clan.reduction.soundness import is_finite
from clantune_clan.reduction.strangers import Strangers
from clantune_clan.shards import local
from clantune_clan.unwrapping import bare_module
from clantune_core import ClanTuneError

_LOGGER = logging.getLogger("clantune")


class Gradients(ABC):
    """Averages the gradients of a module's parameters over a group of ranks, or over none.

    A derived class says how gradients are added up.

    Attributes:
        name: Name of the reduction.
        model: Model to call.
        steps: Number of steps that the optimizers have made.
        averaged: Number of backward passes that were averaged, equal on all ranks.
        left_out: Number of passes that left this rank out because its gradients were not finite.
        skipped: Number of passes that all ranks skipped, since there was no mean.
        parameters: Parameters that require gradients.
        loss_scale: Scale of the loss, if a GradScaler scales it.
        step: Number of the current step, which each rank sends along with its gradients.
    """

    name: ClassVar[str]

    def __init__(
        self, model: nn.Module, optimizers: Sequence[Optimizer], communicator: Communication
    ) -> None:
        """Register hooks on the parameters that require gradients.

        Raises:
            GradientError: A parameter's gradient cannot be averaged, another object averages it
                already, or an optimizer has parameters that the module does not have.
        """
        self.steps = self.averaged = self.left_out = self.skipped = 0
        self.loss_scale: LossScale | None = None
        self.step = 0
        self.model = model
        self._communicator = communicator
        module = bare_module(model)
        self._fingerprint = ParameterFingerprint(module, optimizers)
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        require_free(self.parameters)
        self._group: weakref.ref[dist.ProcessGroup] | None = None  # its owner may destroy it
        self._paused = False
        self._are_waiting = False  # whether gradients have arrived since the last step
        self._held_back: set[int] = set()  # parameters whose gradients were accumulated only
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []
        self._ends: list[weakref.finalize[..., Gradients]] = []
        self._strangers = Strangers(self.parameters, optimizers, communicator.announce)
        self._hook(optimizers)

    # ---- What a member does with it ----

    def average_over(self, group: dist.ProcessGroup | None) -> None:
        """Set the group that averages gradients from now on; None: each rank keeps its own."""
        self._group = None if group is None else weakref.ref(group)
        self._held_back.clear()

    def at_step(self, step: int) -> None:
        """Set the number of the step.

        Raises:
            ClanError: All hooks are removed, so gradients are not averaged any more.
        """
        if not self._hooks:
            raise ClanError(
                "this run is closed, so its members take no more steps: make a new Clan"
            )
        self.step = step
        self._strangers.at_step()

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
        """Whether an optimizer has yet to use some gradients in a step.

        A gradient does not count if a step has followed its backward pass, even if it was not
        zeroed since. A `GradScaler` skips the step of gradients that are not finite.
        """
        if not self._are_waiting:
            return False
        gradients = [local(p.grad) for p in self.parameters if p.grad is not None]
        if not any(bool(gradient.any()) for gradient in gradients):
            return False
        return self.loss_scale is None or all(bool(is_finite(each)) for each in gradients)

    def problem(self) -> GradientError | None:
        """Return an error if the parameters have changed, or if a hook runs after ClanTune's."""
        return self._fingerprint.problem() or late_hook(self.parameters, self._hooks)

    def close(self) -> None:
        """Remove all hooks. Each rank keeps its own gradients from now on."""
        for hook in self._hooks:
            hook.remove()
        if self._hooks:
            release(self.parameters)
        self._hooks = []
        for end in self._ends:
            end()

    # ---- What a derived class says ----

    @abstractmethod
    def _sum(self) -> Counts:
        """Add up the gradients of a pass, and return the counts when the sums are complete."""

    @abstractmethod
    def _hand_out(self, factor: float) -> None:
        """Set the gradients to what was added up, times a factor."""

    @abstractmethod
    def _note(self, parameter: Tensor) -> None:
        """Note a gradient that has arrived, in a pass that is averaged or not."""

    # ---- What a derived class needs ----

    def average(self) -> None:
        """Average the gradients of this pass. A derived class calls this once in a pass."""
        try:
            counts = self._sum()
        except ClanTuneError:
            raise
        except (RuntimeError, ValueError) as error:
            raise self._interrupted(error) from error
        if counts.present != self.size:
            raise self._out_of_step()
        self._held_back.clear()
        if counts.stops:
            self._communicator.stop.is_known_to_peers = True
        self.averaged += 1
        if counts.divisor:
            self._hand_out(self.size / counts.divisor)
            return
        self.skipped += 1
        if self.loss_scale is None:
            self._warn_of_scaler()
            self._discard()
        else:
            self._hand_out(math.nan)  # the scaler finds it on all ranks, and backs off

    @property
    def group(self) -> dist.ProcessGroup | None:
        """The ranks over which the current pass is averaged; None if it is not."""
        if self._group is None or self._paused:
            return None
        group = self._group()
        if group is None:
            raise GradientError(
                "the process group of this clan is destroyed, so gradients cannot be averaged any "
                "more: call torch.distributed.destroy_process_group() after clan.close()"
            )
        return group

    @property
    def size(self) -> int:
        """Number of ranks over which gradients are averaged."""
        return 1 if self.group is None else self.group.size()

    @property
    def wants_to_stop(self) -> bool:
        """Whether a signal has asked this rank to stop, which travels with the gradients."""
        return self._communicator.stop.signal > 0

    def wait(self, work: dist.Work) -> None:
        """Wait for a sum, with the deadline of the clan."""
        wait = wait_for_sum if self.parameters[0].device.type == "cpu" else poll_for_sum
        wait(work, self._communicator.deadline, self._communicator.is_broken)

    def name_of(self, parameter: Tensor) -> str:
        """Return the name of a parameter."""
        return self._fingerprint.name_of(parameter)

    def nested(self) -> GradientError:
        """Return the error of a backward pass inside another one."""
        return GradientError(
            "one backward pass ran inside another, and ended it too early: use "
            "torch.utils.checkpoint.checkpoint(..., use_reentrant=False)"
        )

    def before_steps(self, optimizers: Iterable[Optimizer], check: Callable[..., None]) -> None:
        """Call a method of this object before each step of an optimizer."""
        before = hidden_hook(weak_hook(check))
        self._hooks += [optimizer.register_step_pre_hook(before) for optimizer in optimizers]

    def when_closed(self, function: Callable[[], object]) -> None:
        """Call a function when this object is closed or not used any more."""
        end = weakref.finalize(self, function)
        end.atexit = False
        self._ends.append(end)

    # ---- A backward pass ----

    def _hook(self, optimizers: Iterable[Optimizer]) -> None:
        on_gradient, on_step = weak_hook(self._arrived), hidden_hook(weak_hook(self._stepped))
        for parameter in self.parameters:
            self._hooks.append(parameter.register_post_accumulate_grad_hook(on_gradient))
        claim(self.parameters, self)
        self._hooks += [optimizer.register_step_post_hook(on_step) for optimizer in optimizers]
        self.before_steps(optimizers, self._require_averaged)
        self.when_closed(self._strangers.close)

    def _require_averaged(self, optimizer: Optimizer, *_: object) -> None:
        """Raise an error if a step follows passes that were all held back on this rank."""
        used = (id(p) for group in optimizer.param_groups for p in group["params"])
        if self._held_back and not self._held_back.isdisjoint(used):
            raise GradientError(
                f"the optimizer takes step {self.step} with gradients of passes inside "
                "sync_context(sync=False) alone, so members would drift apart: let the last "
                "backward pass before a step average them"
            )

    def _stepped(self, *_: object) -> None:
        self.steps += 1
        self._are_waiting = False

    def _arrived(self, parameter: Tensor) -> None:
        self._are_waiting = True
        if self.group is not None and parameter.grad is None:
            raise GradientError(
                f"the gradient of {self.name_of(parameter)!r} is gone when it has just arrived: an "
                "optimizer that steps inside the backward pass does not go with a clan"
            )
        if self._paused and self._group is not None:
            self._held_back.add(id(parameter))
        self._note(parameter)

    def _warn_of_scaler(self) -> None:
        if self._communicator.rank == 0:
            _LOGGER.warning(
                "no rank has finite gradients in step %d, so all ranks skip it; if a GradScaler "
                "scales the loss, hand it in, Clan(scaler=...), and it backs off",
                self.step,
            )

    def _discard(self) -> None:
        """Set all gradients to None, so that the optimizer does not change the parameters."""
        for parameter in self.parameters:
            parameter.grad = None

    def _out_of_step(self) -> GradientError:
        places = self._communicator.whereabouts(f"step {self.step}")
        return GradientError(
            f"the ranks are not in the same step: {places}; every rank calls member.step() once "
            "per batch, and backward as often as the others"
        )

    def _interrupted(self, error: Exception) -> ClanTuneError:
        return self._communicator.broken(
            "averaging gradients",
            f"averaging gradients in step {self.step}",
            error,
            "; every rank calls backward as often as the others while members cooperate",
        )
