"""Plain data-parallel training of a task: what a clan is compared with."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import attrs
import torch
from _tasks import Task
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from clantune import clan_loader

WARMUP, COOLDOWN = 0.1, 0.2
ROUNDS = 20


@attrs.frozen
class Start:
    """Hyperparameters that a run starts with: how many times off the lr is, and the others."""

    times: float
    weight_decay: float = 0.01
    beta2: float = 0.999


STARTS = {
    "tuned": Start(1.0),
    "lr / 10": Start(0.1),
    "lr x 10": Start(10.0),
    "several": Start(3.0, weight_decay=1.0, beta2=0.8),
}
"""What the user has set wrong, if anything."""


@attrs.frozen
class Plain:
    """How plain training goes, and which weights are its result.

    Attributes:
        is_paced: Whether it has the warm-up and the cooldown of a clan.
        takes_best: Whether the result is the best checkpoint, of weights or averaged weights.
            Otherwise the result is the last weights.
    """

    is_paced: bool = False
    takes_best: bool = False


def optimizer_of(model: nn.Module, task: Task, start: Start) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        model.parameters(),
        lr=task.lr * start.times,
        weight_decay=start.weight_decay,
        betas=(0.9, start.beta2),
    )


def pace(step: int, steps: int) -> float:
    """Return the share of the learning rate in a step, with warm-up and cooldown."""
    return min(1.0, (step + 1) / (WARMUP * steps), (steps - step) / (COOLDOWN * steps))


def trained_plainly(task: Task, start: Start, plain: Plain, seed: int, steps: int) -> float:
    model = task.make_model()
    optimizer = optimizer_of(model, task, start)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: pace(step, steps) if plain.is_paced else 1.0
    )
    best = Best(task, model, steps) if plain.takes_best else None

    def after_step() -> None:
        scheduler.step()
        if best is not None:
            best.after_step()

    train(task, model, optimizer, seed, steps, after_step)
    loss = task.loss_on(model if best is None else best.model, task.test)
    return loss if loss == loss else float("inf")


def train(
    task: Task,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    seed: int,
    steps: int,
    after_step: Callable[[], object],
) -> None:
    """Train a model on all ranks, with as many batches and steps as a clan."""
    wrapped = DistributedDataParallel(model, forward_sync_buffers=False)
    data = torch.utils.data.TensorDataset(*task.train)
    loader = clan_loader(data, task.batch_size, round_length=steps, duty_cycle=0.0, seed=seed)
    done = 0
    while done < steps:
        for x, y in loader:
            task.loss(wrapped(x), y).backward()
            optimizer.step()
            optimizer.zero_grad()
            after_step()
            done += 1
            if done == steps:
                break


class Best:
    """The best checkpoint of a plain run: weights, or their average, as a clan keeps them.

    Attributes:
        model: A copy of the best model so far.
    """

    def __init__(self, task: Task, model: nn.Module, steps: int) -> None:
        """Average the weights over 0.4 rounds of a clan, and judge both at the end of a round."""
        self._task, self._raw, self._round = task, model, max(1, steps // ROUNDS)
        self._done = 0
        self.model, self._loss = copy.deepcopy(model), math.inf
        self._decay = max(0.0, 1.0 - 1.0 / (0.4 * self._round))
        self._average = self._started()

    def after_step(self) -> None:
        """Update the average, and keep what is best at the end of a round."""
        self._average.update_parameters(self._raw)
        self._done += 1
        if self._done % self._round:
            return
        for model in (self._average.module, self._raw):
            loss = self._task.loss_on(model, self._task.judged)
            if loss < self._loss:
                self.model, self._loss = copy.deepcopy(model), loss
        self._average = self._started()

    def _started(self) -> AveragedModel:
        average = get_ema_multi_avg_fn(self._decay)
        return AveragedModel(self._raw, multi_avg_fn=average, use_buffers=True)
