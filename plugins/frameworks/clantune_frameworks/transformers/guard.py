"""Checks in each step that only the objects of the clan train, at the rates that Trainer sets."""

from __future__ import annotations

from accelerate.optimizer import AcceleratedOptimizer
from torch.optim import Optimizer

from clantune_clan import ClanError
from clantune_frameworks.transformers.finding import AnyTrainer


def bare_optimizer(trainer: AnyTrainer) -> Optimizer:
    """Return the optimizer of a Trainer without the wrapper of Accelerate."""
    found = trainer.optimizer
    bare: Optimizer = found.optimizer if isinstance(found, AcceleratedOptimizer) else found
    return bare


class Guard:
    """Finds callbacks that replace the optimizer or scheduler, or that set learning rates.

    Genes multiply the rates that the scheduler sets. A rate that something else writes would
    replace those of the schedule, or be replaced by them, in silence.
    """

    def __init__(self, trainer: AnyTrainer) -> None:
        """Guard the optimizer and the scheduler that a Trainer has now.

        Its hook must come before those of the clan, which multiply the rates for the step.
        """
        self._trainer = trainer
        self._optimizer, self._scheduler = bare_optimizer(trainer), trainer.lr_scheduler
        self._hook = self._optimizer.register_step_pre_hook(self._require_rates)

    def require_same(self) -> None:
        """Raise an error if the Trainer has another optimizer or scheduler by now."""
        trainer = self._trainer
        for name, mine, found in (
            ("optimizer", self._optimizer, bare_optimizer(trainer)),
            ("lr_scheduler", self._scheduler, trainer.lr_scheduler),
        ):
            if found is not mine:
                raise ClanError(
                    f"trainer.{name} was replaced after the training had begun (by "
                    f"{type(found).__name__}), and the clan has the first one: give it to Trainer("
                    "optimizers=(optimizer, scheduler)), or make it in create_optimizer or "
                    "create_scheduler of a subclass"
                )

    def close(self) -> None:
        """Remove the hook."""
        self._hook.remove()

    def _require_rates(self, *_: object) -> None:
        rates, groups = self._scheduler.get_last_lr(), self._optimizer.param_groups
        for place, (rate, group) in enumerate(zip(rates, groups, strict=False)):
            if float(group["lr"]) != float(rate):  # the clan itself finds further groups
                raise ClanError(
                    f"{type(self._scheduler).__name__} of Trainer has set the learning rate of "
                    f"param group {place} to {float(rate)}, and now it is "
                    f"{float(group['lr'])}: something else writes there, such as a callback, a "
                    "second scheduler, or a loaded optimizer state. Leave it out, or give Trainer("
                    "optimizers=(optimizer, scheduler)) a scheduler that does it, such as a "
                    "LambdaLR, and the genes multiply what that sets"
                )
