"""Training of a task in a clan: a rank is a member."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs
import torch
from _plain import COOLDOWN, WARMUP, Start, optimizer_of
from _tasks import Task
from torch import nn

from clantune import Clan
from clantune_core import AbstractStrategy


@attrs.frozen
class Genes:
    """Which settings of a run are genes.

    Attributes:
        presets: Presets that bind them.
        config: Changes of genes, by name.
        make_optimizer: Makes the optimizer.
    """

    presets: Sequence[str] = ("adamw",)
    config: Mapping[str, Mapping[str, object]] = attrs.field(factory=dict)
    make_optimizer: Callable[[nn.Module, Task, Start], torch.optim.Optimizer] = optimizer_of


def trained_in_a_clan(
    task: Task,
    start: Start,
    strategies: Sequence[AbstractStrategy],
    seed: int,
    steps: int,
    judge: Callable[[nn.Module], float] | None = None,
    genes: Genes | None = None,
) -> float:
    """Return the test loss of the best model of a clan.

    Args:
        task: Task to train.
        start: Hyperparameters to begin with.
        strategies: A recipe, or a list of strategies.
        seed: Seed of the clan; that of torch is the caller's.
        steps: Steps of each rank.
        judge: Returns the loss of a model that is selected by; by default that on `task.judged`.
        genes: What is tuned; by default lr and weight decay.
    """
    genes = genes or Genes()
    model = task.make_model()
    clan = Clan(
        model=model,
        optimizer=genes.make_optimizer(model, task, start),
        total_steps=steps,
        autobind=genes.presets,
        genome_config=genes.config,
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
