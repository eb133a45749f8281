"""Small tasks to train on: data that is split once, a model, and an lr that suits it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import attrs
import torch
from torch import Tensor, nn

Data = tuple[Tensor, Tensor]


@attrs.frozen
class Task:
    """What is learned, and for how long.

    Attributes:
        name: For tables.
        make_model: Makes the model, from torch's random stream.
        loss: Of outputs and targets.
        train: What is trained on.
        judged: What members are judged by.
        test: What nobody sees before the end.
        batch_size: Samples of one rank in a step.
        steps: Of the whole run.
        lr: A learning rate that suits it, with warm-up and cooldown.
    """

    name: str
    make_model: Callable[[], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor]
    train: Data
    judged: Data
    test: Data
    batch_size: int
    steps: int
    lr: float

    def loss_on(self, model: nn.Module, data: Data) -> float:
        """Return the loss of a model."""
        with torch.no_grad():
            return float(self.loss(model(data[0]), data[1]))


def mlp(*widths: int) -> nn.Module:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def regression() -> Task:
    """A student learns a teacher with eight tanh units, through noise."""
    random = torch.Generator().manual_seed(1)
    inner = torch.randn(12, 8, generator=random) / 12**0.5
    outer = torch.randn(8, 1, generator=random)

    def draw(count: int, noise: float) -> Data:
        x = torch.randn(count, 12, generator=random)
        clean = torch.tanh(2.0 * x @ inner) @ outer
        return x, clean + noise * torch.randn(count, 1, generator=random)

    return Task(
        "regression",
        lambda: mlp(12, 24, 24, 1),
        nn.functional.mse_loss,
        draw(26_000, 0.7),
        draw(1024, 0.7),
        draw(8192, 0.7),
        batch_size=8,
        steps=800,
        lr=0.01,
    )


def digits() -> Task:
    """Handwritten digits of 8 x 8 points."""
    from sklearn.datasets import load_digits  # type: ignore[import-untyped]

    images, labels = load_digits(return_X_y=True)
    x = torch.tensor(images, dtype=torch.float32) / 16.0
    y = torch.tensor(labels)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(1))
    train, judged, test = order.split([1000, 400, len(x) - 1400])
    return Task(
        "digits",
        lambda: mlp(64, 32, 10),
        nn.functional.cross_entropy,
        (x[train], y[train]),
        (x[judged], y[judged]),
        (x[test], y[test]),
        batch_size=16,
        steps=600,
        lr=0.01,
    )


TASKS = {"regression": regression, "digits": digits}
