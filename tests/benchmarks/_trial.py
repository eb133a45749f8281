"""A model that is trained in one process, with settings that may change on the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import torch
from _plain import Start, optimizer_of, pace
from _tasks import Task
from torch import Tensor, nn


@attrs.frozen
class Outcome:
    """What a run ended with.

    Attributes:
        loss: Loss on test data, which was not used for training or selection.
        steps: Steps of training on every rank, and what was measured on it, in such steps.
    """

    loss: float
    steps: float


class Judge:
    """The loss that models are selected by.

    To measure a model costs a third of training it on the same data: a step also goes backward,
    which takes twice as long.

    Attributes:
        steps: What its measurements have cost, in steps of a rank.
    """

    def __init__(self, task: Task) -> None:
        """Begin to count."""
        self._task, self.steps = task, 0.0
        self._cost = len(task.judged[0]) / (3.0 * task.batch_size)

    def __call__(self, model: nn.Module) -> float:
        """Return the loss of a model, infinite if it is not a number."""
        self.steps += self._cost
        loss = self._task.loss_on(model, self._task.judged)
        return loss if math.isfinite(loss) else math.inf


class Trial:
    """A model that is trained in one process.

    Attributes:
        judge: What it is measured by.
        done: Number of steps.
        settings: Learning rate and weight decay of the next steps.
    """

    def __init__(
        self,
        task: Task,
        start: Start,
        seed: int,
        steps: int,
        *,
        ranks: int = 1,
        make_optimizer: Callable[[nn.Module], torch.optim.Optimizer] | None = None,
        share: Callable[[int, int], float] = pace,
    ) -> None:
        """Make the model with the settings of the start.

        Args:
            task: Task to train.
            start: Settings to begin with.
            seed: Seed of the model and of the batches.
            steps: Length of the run.
            ranks: Number of ranks whose batches make a step. Data-parallel training on as many
                ranks takes the same steps, but for rounding.
            make_optimizer: Makes another optimizer than AdamW; it has settings of its own.
            share: Share of the learning rate in a step of a run with so many steps.
        """
        torch.manual_seed(seed)
        self._task, self._steps, self._share = task, steps, share
        self._model = task.make_model()
        self.settings = {"lr": task.lr * start.times, "weight_decay": start.weight_decay}
        self._optimizer = optimizer_of(self._model, task, start)
        if make_optimizer is not None:
            self._optimizer = make_optimizer(self._model)
            group = self._optimizer.param_groups[0]
            self.settings = {name: group[name] for name in self.settings}
        self._batches = _batches(len(task.train[0]), ranks * task.batch_size, seed)
        self.judge, self.done = Judge(task), 0

    def train(self, steps: int) -> None:
        """Take some steps, or fewer if the run is over."""
        x, y = self._task.train
        for _ in range(min(steps, self._steps - self.done)):
            share = self._share(self.done, self._steps)
            rate = {"lr": share * self.settings["lr"]}
            self._optimizer.param_groups[0].update(self.settings | rate)
            drawn = next(self._batches)
            self._task.loss(self._model(x[drawn]), y[drawn]).backward()
            self._optimizer.step()
            self._optimizer.zero_grad()
            self.done += 1

    def judged(self) -> float:
        """Return the loss that trials are compared by."""
        return self.judge(self._model)

    def test(self) -> float:
        """Return the loss on the test data."""
        return self._task.loss_on(self._model, self._task.test)

    def save(self, path: Path) -> None:
        """Write everything that a trial needs to go on."""
        torch.save((self._model.state_dict(), self._optimizer.state_dict(), self.done), path)

    def load(self, path: Path) -> None:
        """Go on where another trial was."""
        model, optimizer, self.done = torch.load(path)
        self._model.load_state_dict(model)
        self._optimizer.load_state_dict(optimizer)


def _batches(samples: int, size: int, seed: int) -> Iterator[Tensor]:
    """Yield batches without end; each sample comes once in an epoch, as in a clan."""
    random = torch.Generator().manual_seed(seed)
    while True:
        whole = samples - samples % size
        yield from torch.randperm(samples, generator=random)[:whole].split(size)
