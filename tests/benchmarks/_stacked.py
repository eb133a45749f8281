"""A clan in one process: the weights of all members in one tensor per parameter.

The genes go through the strategies as they do in a clan; only the training loop is another one. It
takes a quarter of the time of four processes on two cores, which is enough to compare variants of a
rule over many seeds. What it shows must be repeated on real ranks.
"""

from __future__ import annotations

import copy
import math
import statistics
from collections.abc import Sequence

import torch
from _clans import Clan
from _plain import Start, pace
from _tasks import Data, Task
from torch import Tensor
from torch.func import functional_call, grad, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from clantune_clan.run.best import Best
from clantune_clan.run.going_back import has_exploded, is_due, keeps_moments, slower
from clantune_core import Genome, LogFloatAllele
from clantune_strategies import Recipe

Weights = dict[str, Tensor]
Moments = tuple[Weights, Weights, int]


class Stacked:
    """Members that share their gradients and have learning rates and decays of their own.

    Attributes:
        weights: Of all members; the first dimension is the member.
        average: A running average of them since the start of the round.
    """

    def __init__(
        self, task: Task, start: Start, members: int, seed: int, *, ranks: int = 1
    ) -> None:
        """Give all members the same initial weights, as a seed draws them.

        Args:
            task: Task to train.
            start: Settings to begin with.
            members: Number of members.
            seed: Seed of the weights and of the batches.
            ranks: Number of ranks whose batches a member takes.
        """
        torch.manual_seed(seed)
        model = task.make_model()
        self._task, self._beta2, self._steps = task, start.beta2, 0
        self._samples = ranks * task.batch_size
        self._batches = torch.Generator().manual_seed(seed)
        own = {name: each.detach() for name, each in model.named_parameters()}
        self.weights = {n: w.expand(members, *w.shape).clone() for n, w in own.items()}
        self.average = self.weights
        self._mean = {name: torch.zeros_like(each) for name, each in own.items()}
        self._square = {name: torch.zeros_like(each) for name, each in own.items()}
        buffers = dict(model.named_buffers())

        def loss(weights: Weights, inputs: Tensor, targets: Tensor) -> Tensor:
            return task.loss(functional_call(model, (weights, buffers), (inputs,)), targets)

        self._gradients = vmap(grad(loss))
        self._losses = vmap(loss, in_dims=(0, None, None))

    def train(self, rates: Sequence[float], decays: Sequence[float], decay: float) -> None:
        """Take a step of AdamW, in which each member has its own rate and decay of weights.

        Args:
            rates: Learning rates of the members.
            decays: Weight decays of the members.
            decay: Share of the running average that a step keeps.
        """
        members, (x, y) = len(rates), self._task.train
        drawn = torch.randint(len(x), (members, self._samples), generator=self._batches)
        with sdpa_kernel(SDPBackend.MATH):  # other kinds of attention cannot be stacked
            gradients = self._gradients(self.weights, x[drawn], y[drawn])
        self._steps += 1
        first, second = 1.0 - 0.9**self._steps, 1.0 - self._beta2**self._steps
        lr = torch.tensor(rates)
        kept = 1.0 - lr * torch.tensor(decays)
        for name, weights in self.weights.items():
            gradient = gradients[name].mean(0)
            mean, square = self._mean[name], self._square[name]
            mean.lerp_(gradient, 0.1)
            square.lerp_(gradient**2, 1.0 - self._beta2)
            move = (mean / first) / ((square / second).sqrt() + 1e-8)
            shape = (members, *[1] * move.dim())
            weights.mul_(kept.view(shape)).sub_(lr.view(shape) * move)
            self.average[name].lerp_(weights, 1.0 - decay)

    def moments(self) -> Moments:
        """Return a copy of what the optimizer keeps: means, mean squares, and its steps."""
        mean, square = (
            {name: each.clone() for name, each in moment.items()}
            for moment in (self._mean, self._square)
        )
        return mean, square, self._steps

    def begin_round(self) -> None:
        """Let the average begin at the weights."""
        self.average = {name: each.clone() for name, each in self.weights.items()}

    def go_on_with(self, moments: Moments) -> None:
        """Give the optimizer what it kept at an earlier time."""
        mean, square, self._steps = moments
        self._mean, self._square = copy.deepcopy((mean, square))

    def go_on_from(self, weights: Weights) -> None:
        """Give all members the weights of a centre, which `gather` has returned."""
        members = next(iter(self.weights.values())).shape[0]
        self.weights = {n: w.expand(members, *w.shape[1:]).clone() for n, w in weights.items()}

    def losses(self, weights: Weights, data: Data) -> list[float]:
        """Return the loss of each member with some weights, infinite if it is not a number."""
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
            losses = self._losses(weights, *data).tolist()
        return [each if math.isfinite(each) else math.inf for each in losses]

    def gather(self, shares: Sequence[tuple[int, float]]) -> list[Weights]:
        """Give all members the mean of some; return it, as a member of one: average and weights."""
        centres = []
        for weights in (self.average, self.weights):
            mean = {n: sum((s * w[i] for i, s in shares), 0.0 * w[0]) for n, w in weights.items()}
            centres.append({name: each.unsqueeze(0) for name, each in mean.items()})
        self.go_on_from(centres[1])
        return centres


def loss_of_plain(task: Task, start: Start, seed: int, steps: int, ranks: int) -> float:
    """Return the test loss of plain training with warm-up and cooldown, on so many ranks."""
    run = Stacked(task, start, 1, seed, ranks=ranks)
    for step in range(steps):
        run.train([task.lr * start.times * pace(step, steps)], [start.weight_decay], 0.0)
    return run.losses(run.weights, task.test)[0]


def went_back(run: Stacked, best: Best, centre: float, moments: Moments) -> Best:
    """Give all members the best weights; return these with lower rates, as a clan does."""
    run.go_on_from(dict(best.tensors or {}))
    if has_exploded(best, centre):
        run.go_on_with(moments)
    return slower(best)


def loss_of_clan(
    task: Task, start: Start, recipe: Recipe, seed: int, steps: int, members: int
) -> float:
    """Return the test loss of the best weights or averaged weights of a clan."""
    run = Stacked(task, start, members, seed)
    genes = {
        "lr": LogFloatAllele(task.lr * start.times, (1e-6, 10.0)),
        "weight_decay": LogFloatAllele(start.weight_decay, (1e-5, 10.0)),
    }
    clan = Clan(recipe, Genome(genes), members, seed)
    best, lowest, step = run.weights, math.inf, 0
    kept = Best()  # the best averaged centre, to which a clan goes back
    none = moments = run.moments()
    until = recipe.settings.go_back_until
    for number in range(recipe.settings.rounds or 0):
        length = steps * (number + 1) // (recipe.settings.rounds or 1) - step
        values = [member.as_hyperparameters() for member in clan.members]
        run.begin_round()
        for _ in range(length):
            rates = [each["lr"] * pace(step, steps) for each in values]
            decay = max(0.0, 1.0 - 1.0 / (0.4 * length))
            run.train(rates, [each["weight_decay"] for each in values], decay)
            step += 1
        fitnesses = run.losses(run.average, task.judged)
        if not any(map(math.isfinite, fitnesses)):
            return math.inf
        centres = run.gather(clan.contributors(fitnesses))
        found = [run.losses(each, task.judged)[0] for each in centres]
        for weights, loss in zip(centres, found, strict=True):
            if loss < lowest:
                best, lowest = weights, loss
        now, limits = found[0], None
        rate = statistics.fmean(each["lr"] for each in values) * pace(step, steps)
        if is_due(kept, now, step / steps, until):
            kept = went_back(run, kept, now, moments)
            now, limits = kept.fitness, kept.rates
        elif now < kept.fitness:
            first = kept.first if kept.exists else now
            kept = Best(now, number, rates={"lr": rate}, tensors=centres[0], first=first)
            moments = run.moments()
        moments = moments if keeps_moments(step / steps, until) else none
        clan.breed(fitnesses, step / steps, now, limits)
    return run.losses(best, task.test)[0]
