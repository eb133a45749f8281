"""Training of a task in a clan: a rank is a member."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from _plain import COOLDOWN, WARMUP, Start, optimizer_of
from _tasks import Task
from torch import nn

from clantune import Clan
from clantune_core import AbstractStrategy


def trained_in_a_clan(
    task: Task,
    start: Start,
    strategies: Sequence[AbstractStrategy],
    seed: int,
    steps: int,
    judge: Callable[[nn.Module], float] | None = None,
) -> float:
    """Return the test loss of the best model of a clan.

    Args:
        task: Task to train.
        start: Hyperparameters to begin with.
        strategies: A recipe, or a list of strategies.
        seed: Seed of the clan; that of torch is the caller's.
        steps: Steps of each rank.
        judge: Returns the loss of a model that is selected by; by default that on `task.judged`.
    """
    model = task.make_model()
    clan = Clan(
        model=model,
        optimizer=optimizer_of(model, task, start),
        total_steps=steps,
        autobind=["adamw"],
        strategies=strategies,
        warmup=WARMUP,
        cooldown=COOLDOWN,
        seed=seed,
        timeout=60.0,
    )
    judge = judge or (lambda model: task.loss_on(model, task.judged))
    data = torch.utils.data.TensorDataset(*task.train)
    loader = clan.loader(data, task.batch_size, num_workers=0)
    member = clan.round()
    while not clan.finished:
        for x, y in loader:
            task.loss(member.model(x), y).backward()
            member.optimizer.step()
            member.optimizer.zero_grad()
            member.step()
            if member.done:
                clan.step(judge)
                member = clan.round()
    return task.loss_on(clan.best(), task.test)
