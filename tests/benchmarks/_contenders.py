"""Ways to train a task with the batches of four ranks, all with the same number of steps.

Clans train on ranks. Plain training takes the batches of all ranks in one process: the same steps,
but for rounding, in less time on a machine with few processors.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping

import torch
from _in_a_clan import trained_in_a_clan
from _plain import WARMUP, Start, pace
from _tasks import Task
from _trial import Judge, Outcome, Trial
from torch import nn

from clantune import (
    as_specified,
    cautious,
    esgd,
    factorial,
    fire_pbt,
    gpbt,
    hdet,
    mf_pbt,
    pbt,
)
from clantune_strategies import Recipe

RANKS = 4
Contender = Callable[[Task, Start, int, int], Outcome]
"""A function of a task, a start, a seed, and the steps of each rank."""


def _cosine(step: int, steps: int) -> float:
    done = max(0.0, step / steps - WARMUP) / (1.0 - WARMUP)
    return min((step + 1) / (WARMUP * steps), 0.5 * (1.0 + math.cos(math.pi * done)))


def _constant(step: int, steps: int) -> float:
    return 1.0


def _plain(
    share: Callable[[int, int], float], task: Task, start: Start, seed: int, steps: int
) -> Outcome:
    trial = Trial(task, start, seed, steps, ranks=RANKS, share=share)
    trial.train(steps)
    return Outcome(trial.test(), steps)


def _schedule_free(task: Task, start: Start, seed: int, steps: int) -> Outcome:
    """Train with AdamW in the form that needs no schedule (Defazio et al. 2024)."""
    from schedulefree import AdamWScheduleFree

    optimizers = []

    def make(model: nn.Module) -> torch.optim.Optimizer:
        optimizer = AdamWScheduleFree(
            model.parameters(),
            lr=task.lr * start.times,
            betas=(0.9, start.beta2),
            weight_decay=start.weight_decay,
            warmup_steps=int(WARMUP * steps),
        )
        optimizers.append(optimizer)
        made: torch.optim.Optimizer = optimizer
        return made

    trial = Trial(task, start, seed, steps, ranks=RANKS, make_optimizer=make, share=_constant)
    optimizers[0].train()
    trial.train(steps)
    optimizers[0].eval()
    return Outcome(trial.test(), steps)


def _prodigy(task: Task, start: Start, seed: int, steps: int) -> Outcome:
    """Train with Prodigy, which finds a rate itself (Mishchenko and Defazio 2023), and a cosine.

    It does not read the rate of the start, only the other settings.
    """
    from prodigyopt import Prodigy

    def make(model: nn.Module) -> torch.optim.Optimizer:
        made: torch.optim.Optimizer = Prodigy(
            model.parameters(),
            betas=(0.9, start.beta2),
            weight_decay=start.weight_decay,
            safeguard_warmup=True,
        )
        return made

    trial = Trial(task, start, seed, steps, ranks=RANKS, make_optimizer=make, share=_cosine)
    trial.train(steps)
    return Outcome(trial.test(), steps)


def _in_a_clan(
    make: Callable[[], Recipe], task: Task, start: Start, seed: int, steps: int
) -> Outcome:
    judge = Judge(task)
    loss = trained_in_a_clan(task, start, make(), seed, steps, judge)
    return Outcome(loss, steps + judge.steps)


PLAIN: Mapping[str, Contender] = {
    "DDP, warm-up, cooldown": functools.partial(_plain, pace),
    "DDP, constant": functools.partial(_plain, _constant),
    "DDP, cosine": functools.partial(_plain, _cosine),
    "schedule-free AdamW": _schedule_free,
    "Prodigy": _prodigy,
}
RECIPES: Mapping[str, Callable[[], Recipe]] = {
    "factorial()": factorial,
    "cautious()": cautious,
    "factorial(evolve=False)": lambda: factorial(evolve=False),
    "cautious(evolve=False)": lambda: cautious(evolve=False),
    "as_specified()": as_specified,
    "pbt()": pbt,
    "fire_pbt()": fire_pbt,
    "mf_pbt()": mf_pbt,
    "gpbt()": gpbt,
    "esgd()": esgd,
    "hdet()": hdet,
}
CLANS: Mapping[str, Contender] = {
    name: functools.partial(_in_a_clan, recipe) for name, recipe in RECIPES.items()
}
