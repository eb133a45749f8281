"""Optimizers that a clan does not have, and that train its parameters: no gene governs them."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterable

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from clantune_clan.errors import GradientError
from clantune_clan.reduction.hooks import hidden_hook

_WATCHING: weakref.WeakSet[Strangers] = weakref.WeakSet()


class Strangers:
    """Lets a step of any other optimizer with parameters of a clan raise an error.

    An optimizer of the clan may use others in its own step, and others may use one of the clan.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        optimizers: Iterable[Optimizer],
        announce: Callable[[Exception], None],
    ) -> None:
        """Watch each step of any optimizer in the process.

        Args:
            parameters: Parameters that the clan trains.
            optimizers: Optimizers that it has.
            announce: Function that sends the error to the other ranks, which wait for this one.
        """
        self._announce = announce
        self._trained = {id(parameter) for parameter in parameters}
        self._known = {id(optimizer) for optimizer in optimizers}
        self._stepping: set[int] = set()  # optimizers of the clan whose step has begun
        self._has_stepped = False  # one of them, since the step of another one has begun
        _hook_every_step()
        _WATCHING.add(self)

    def close(self) -> None:
        """Watch no more steps."""
        _WATCHING.discard(self)

    def at_step(self) -> None:
        """Forget steps that an exception has interrupted."""
        self._stepping.clear()

    def before(self, optimizer: Optimizer) -> None:
        """Note that the step of an optimizer begins."""
        if id(optimizer) in self._known:
            self._stepping.add(id(optimizer))
        elif not self._stepping:
            self._has_stepped = False

    def after(self, optimizer: Optimizer) -> None:
        """Require that the optimizer of this step is known, or trains nothing of the clan.

        Raises:
            GradientError: It is not, and it does.
        """
        if id(optimizer) in self._known:
            self._stepping.discard(id(optimizer))
            self._has_stepped = True
        elif not self._stepping and not self._has_stepped and self._trains(optimizer):
            problem = GradientError(
                f"the {type(optimizer).__name__} that has made this step has parameters of the "
                "clan, and the clan has another optimizer for them, so no gene governs this one: "
                "give the clan the optimizer that makes the steps, and make no other later"
            )
            self._announce(problem)
            raise problem

    def _trains(self, optimizer: Optimizer) -> bool:
        groups = optimizer.param_groups
        return any(id(each) in self._trained for group in groups for each in group["params"])


@functools.cache
def _hook_every_step() -> None:
    """Register two hooks for the whole process, once.

    They stay: the garbage collector may end a clan during a step of another one, while torch goes
    through these hooks, and must not remove one then.
    """
    register_optimizer_step_pre_hook(hidden_hook(_before))
    # After the step: a closure may have found a problem that says more.
    register_optimizer_step_post_hook(hidden_hook(_after))


def _before(optimizer: Optimizer, *_: object) -> None:
    for strangers in [*_WATCHING]:
        strangers.before(optimizer)


def _after(optimizer: Optimizer, *_: object) -> None:
    for strangers in [*_WATCHING]:
        strangers.after(optimizer)
