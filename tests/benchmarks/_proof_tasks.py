"""Tasks for the comparison of methods.

No rule was made on them, but the form of one repair was chosen on three: denoise, waves and prose.
"""

from __future__ import annotations

import pydoc_data.topics
from collections.abc import Callable
from pathlib import Path

import attrs
import torch
from _tasks import Data, Task
from torch import Tensor, nn

JUDGED = 4
"""Batches of a rank that models are selected by. To measure a model costs 1.3 steps."""


def prose() -> Task:
    """A transformer with two blocks continues the English text of Python's help, by characters."""
    text = "\n".join(pydoc_data.topics.topics[key] for key in sorted(pydoc_data.topics.topics))
    return _continuing("prose", text, Size(48, 2, 32), batch_size=16, steps=800, lr=0.01)


def gpt() -> Task:
    """A transformer of 800,000 parameters continues the source of Python's standard library."""
    sources = sorted(Path(pydoc_data.__path__[0]).parent.glob("*.py"))
    text = "\n".join(each.read_text("utf-8", errors="ignore") for each in sources)
    ascii_text = text.encode("ascii", errors="ignore").decode()
    return _continuing("gpt", ascii_text, Size(128, 4, 64), batch_size=8, steps=3000, lr=0.003)


@attrs.frozen
class Size:
    """Of a transformer: numbers per character, blocks, and characters that it reads at once."""

    width: int
    blocks: int
    context: int


def _continuing(
    name: str, text: str, size: Size, *, batch_size: int, steps: int, lr: float
) -> Task:
    letters = sorted(set(text))
    places = {letter: place for place, letter in enumerate(letters)}
    numbers = torch.tensor([places[letter] for letter in text])
    lengths = [len(numbers) * 8 // 10, len(numbers) // 10]
    train, judged, test = numbers.split([*lengths, len(numbers) - sum(lengths)])

    def loss(scores: Tensor, letters: Tensor) -> Tensor:
        return nn.functional.cross_entropy(scores.flatten(0, 1), letters.flatten())

    return Task(
        name,
        lambda: Author(len(letters), size),
        loss,
        _pieces(train, len(train) // 4, size.context),
        _pieces(judged, batch_size * JUDGED, size.context),
        _pieces(test, 1024, size.context),
        batch_size=batch_size,
        steps=steps,
        lr=lr,
    )


class Author(nn.Module):
    """A transformer for characters."""

    def __init__(self, letters: int, size: Size) -> None:
        super().__init__()
        self.letters = nn.Embedding(letters, size.width)
        self.places = nn.Embedding(size.context, size.width)
        block = nn.TransformerEncoderLayer(
            size.width, 4, 4 * size.width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(block, size.blocks, enable_nested_tensor=False)
        self.out = nn.Linear(size.width, letters)
        mask = nn.Transformer.generate_square_subsequent_mask(size.context)
        self.register_buffer("mask", mask)

    def forward(self, text: Tensor) -> Tensor:
        """Return a score for each letter that may follow."""
        places = torch.arange(text.shape[1], device=text.device)
        hidden = self.letters(text) + self.places(places)
        out: Tensor = self.out(self.blocks(hidden, mask=self.mask, is_causal=True))
        return out


def _pieces(text: Tensor, count: int, context: int) -> Data:
    """Return pieces at equal distances in a text, and the same, one letter further."""
    places = torch.linspace(0, len(text) - context - 1, count).long()
    pieces = text[places.unsqueeze(1) + torch.arange(context + 1)]
    return pieces[:, :-1], pieces[:, 1:]


def denoise() -> Task:
    """An autoencoder removes noise from handwritten digits, through eight numbers."""
    from sklearn.datasets import load_digits  # type: ignore[import-untyped]

    random = torch.Generator().manual_seed(2)
    clean = torch.tensor(load_digits().data, dtype=torch.float32) / 16.0
    clean = clean[torch.randperm(len(clean), generator=random)]
    train, judged, test = clean.split([1200, 32 * JUDGED, len(clean) - 1200 - 32 * JUDGED])

    def noisy(images: Tensor) -> Data:
        return images + 0.3 * torch.randn(images.shape, generator=random), images

    return Task(
        "denoise",
        lambda: nn.Sequential(
            *(nn.Linear(64, 96), nn.GELU(), nn.Linear(96, 8), nn.GELU()),
            *(nn.Linear(8, 96), nn.GELU(), nn.Linear(96, 64)),
        ),
        nn.functional.mse_loss,
        noisy(train.repeat(8, 1)),
        noisy(judged),
        noisy(test),
        batch_size=32,
        steps=800,
        lr=0.01,
    )


def waves() -> Task:
    """A convolutional network with GroupNorm hears which two of eight tones are in a signal."""
    random = torch.Generator().manual_seed(3)
    time = torch.linspace(0.0, 1.0, 64)
    pairs = torch.combinations(torch.arange(8))

    def draw(count: int) -> Data:
        kind = torch.randint(0, len(pairs), (count,), generator=random)
        tones = 3.0 + 2.0 * pairs[kind].unsqueeze(-1)
        phase = 6.2832 * torch.rand(count, 2, 1, generator=random)
        signal = torch.sin(6.2832 * tones * time + phase).sum(1)
        return (signal + torch.randn(signal.shape, generator=random)).unsqueeze(1), kind

    return Task(
        "waves",
        lambda: nn.Sequential(
            *(nn.Conv1d(1, 16, 7, padding=3), nn.GroupNorm(4, 16), nn.ReLU()),
            *(nn.MaxPool1d(2), nn.Conv1d(16, 32, 5, padding=2), nn.GroupNorm(4, 32), nn.ReLU()),
            *(nn.MaxPool1d(2), nn.Conv1d(32, 32, 5, padding=2), nn.ReLU()),
            *(nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(128, len(pairs))),
        ),
        nn.functional.cross_entropy,
        draw(30_000),
        draw(32 * JUDGED),
        draw(4096),
        batch_size=32,
        steps=800,
        lr=0.01,
    )


def resnet() -> Task:
    """A residual network of 150,000 parameters with BatchNorm tells eight textures, in noise."""
    random = torch.Generator().manual_seed(4)
    down, across = torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij")

    def draw(count: int) -> Data:
        kind = torch.randint(0, 8, (count,), generator=random)
        angle = 0.3927 * kind.view(-1, 1, 1, 1)
        phase = 6.2832 * torch.rand(count, 3, 1, 1, generator=random)
        period = 4.0 + 4.0 * torch.rand(count, 1, 1, 1, generator=random)
        wave = torch.sin(6.2832 * (down * angle.cos() + across * angle.sin()) / period + phase)
        return wave + 2.5 * torch.randn(wave.shape, generator=random), kind

    return Task(
        "resnet",
        lambda: nn.Sequential(
            *(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()),
            *(Residual(16, 16), Residual(16, 32), Residual(32, 64), Residual(64, 64)),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 8)),
        ),
        nn.functional.cross_entropy,
        draw(20_000),
        draw(16 * JUDGED),
        draw(2048),
        batch_size=16,
        steps=2000,
        lr=0.01,
    )


class Residual(nn.Module):
    """Two convolutions beside a shorter way; if there are more channels, the image is halved."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.long = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            *(nn.BatchNorm2d(outputs), nn.ReLU()),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.short = nn.Conv2d(inputs, outputs, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """Return features of images."""
        out: Tensor = torch.relu(self.long(images) + self.short(images))
        return out


def on(device: str, task: Task) -> Task:
    """Return a task whose model and data are on a device."""
    if device == "cpu":
        return task
    train, judged, test = (
        (x.to(device), y.to(device)) for x, y in (task.train, task.judged, task.test)
    )
    return attrs.evolve(
        task,
        make_model=lambda: task.make_model().to(device),
        train=train,
        judged=judged,
        test=test,
    )


PROOF_TASKS: dict[str, Callable[[], Task]] = {
    "denoise": denoise,
    "waves": waves,
    "prose": prose,
    "gpt": gpt,
    "resnet": resnet,
}
LARGER = ("gpt", "resnet")
"""Tasks for accelerators, which are run if they are named."""
