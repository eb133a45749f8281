"""Small tasks to train on: data that is split once, a model, and an lr that suits it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import attrs
import torch
from torch import Tensor, nn

from clantune.demo.character_lm import Writer, texts

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
        """Return the loss of a model; layers such as BatchNorm use their running statistics."""
        was_training = model.training
        try:
            with torch.no_grad():
                return float(self.loss(model.eval()(data[0]), data[1]))
        finally:
            model.train(was_training)


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


def letters() -> Task:
    """The demo's transformer continues source code, letter by letter."""
    count, (train, judged, test) = texts()
    return _continuing(
        "letters",
        lambda: Writer(count),
        (train.some(len(train)), judged.some(256), test.some(1024)),
        steps=1500,
    )


class Reader(nn.Module):
    """A recurrent network that continues a text."""

    def __init__(self, letters: int, width: int) -> None:
        super().__init__()
        self.letters = nn.Embedding(letters, width)
        self.memory = nn.GRU(width, width, batch_first=True)
        self.out = nn.Linear(width, letters)

    def forward(self, text: Tensor) -> Tensor:
        """Return a score for each letter that may follow."""
        out: Tensor = self.out(self.memory(self.letters(text))[0])
        return out


def recurrent() -> Task:
    """A recurrent network continues the same source code."""
    count, (train, judged, test) = texts()
    return _continuing(
        "recurrent",
        lambda: Reader(count, 48),
        (train.some(len(train)), judged.some(256), test.some(1024)),
        steps=800,
    )


def _continuing(
    name: str, make_model: Callable[[], nn.Module], split: tuple[Data, Data, Data], steps: int
) -> Task:
    def loss(scores: Tensor, letters: Tensor) -> Tensor:
        return nn.functional.cross_entropy(scores.flatten(0, 1), letters.flatten())

    return Task(name, make_model, loss, *split, batch_size=8, steps=steps, lr=0.01)


WINDOW = 12


def windows() -> Task:
    """A network of 100,000 parameters reads twelve letters and guesses the next one."""
    count, parts = texts()

    def some(text: Tensor, many: int) -> Data:
        places = torch.linspace(0, len(text) - WINDOW - 1, many).long()
        pieces = text[places.unsqueeze(1) + torch.arange(WINDOW + 1)]
        return pieces[:, :-1], pieces[:, -1]

    def make_model() -> nn.Module:
        return nn.Sequential(
            nn.Embedding(count, 16),
            nn.Flatten(),
            nn.Linear(16 * WINDOW, 200),
            nn.Tanh(),
            nn.Linear(200, 200),
            nn.Tanh(),
            nn.Linear(200, count),
        )

    train, judged, test = (part.text for part in parts)
    return Task(
        "windows",
        make_model,
        nn.functional.cross_entropy,
        some(train, len(train) - WINDOW),
        some(judged, 2048),
        some(test, 8192),
        batch_size=32,
        steps=1500,
        lr=0.003,
    )


def shapes() -> Task:
    """A convolutional network with BatchNorm tells bars, crosses, frames and discs, in noise."""
    random = torch.Generator().manual_seed(1)
    down, across = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")

    def draw(count: int) -> Data:
        kind = torch.randint(0, 5, (count,), generator=random)
        centre = torch.rand(2, count, 1, 1, generator=random) * 4.0 + 3.5
        size = torch.rand(count, 1, 1, generator=random) * 1.5 + 2.0
        y, x = (down - centre[0]).abs(), (across - centre[1]).abs()
        inside = (x <= size) & (y <= size)
        drawn = [
            inside & (x < 1.0),
            inside & (y < 1.0),
            inside & ((x < 1.0) | (y < 1.0)),
            inside & ((x > size - 1.0) | (y > size - 1.0)),
            x**2 + y**2 <= size**2,
        ]
        images = torch.stack(drawn)[kind, torch.arange(count)].float()
        return (images + torch.randn(images.shape, generator=random)).unsqueeze(1), kind

    def make_model() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(64, 5),
        )

    return Task(
        "shapes",
        make_model,
        nn.functional.cross_entropy,
        draw(20_000),
        draw(1024),
        draw(4096),
        batch_size=8,
        steps=800,
        lr=0.01,
    )


TASKS = {
    "regression": regression,
    "digits": digits,
    "letters": letters,
    "recurrent": recurrent,
    "windows": windows,
    "shapes": shapes,
}
