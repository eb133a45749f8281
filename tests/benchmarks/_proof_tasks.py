"""Tasks for the comparison of methods. No rule of this project was made or tuned on them."""

from __future__ import annotations

import pydoc_data.topics
from collections.abc import Callable

import torch
from _tasks import Data, Task
from torch import Tensor, nn

JUDGED = 4
"""Batches of a rank that models are selected by. To measure a model costs 1.3 steps."""


def prose() -> Task:
    """A transformer with two blocks continues the English text of Python's help, by characters."""
    text = "\n".join(pydoc_data.topics.topics[key] for key in sorted(pydoc_data.topics.topics))
    letters = sorted(set(text))
    numbers = torch.tensor([letters.index(letter) for letter in text])
    lengths = [len(numbers) * 8 // 10, len(numbers) // 10]
    train, judged, test = numbers.split([*lengths, len(numbers) - sum(lengths)])

    def loss(scores: Tensor, letters: Tensor) -> Tensor:
        return nn.functional.cross_entropy(scores.flatten(0, 1), letters.flatten())

    return Task(
        "prose",
        lambda: Author(len(letters)),
        loss,
        _pieces(train, len(train) // 4),
        _pieces(judged, 16 * JUDGED),
        _pieces(test, 1024),
        batch_size=16,
        steps=800,
        lr=0.01,
    )


CONTEXT = 32


class Author(nn.Module):
    """A transformer for characters, with two blocks."""

    def __init__(self, letters: int, width: int = 48) -> None:
        super().__init__()
        self.letters = nn.Embedding(letters, width)
        self.places = nn.Embedding(CONTEXT, width)
        block = nn.TransformerEncoderLayer(
            width, 4, 4 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(block, 2, enable_nested_tensor=False)
        self.out = nn.Linear(width, letters)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(CONTEXT))

    def forward(self, text: Tensor) -> Tensor:
        """Return a score for each letter that may follow."""
        hidden = self.letters(text) + self.places(torch.arange(text.shape[1]))
        out: Tensor = self.out(self.blocks(hidden, mask=self.mask, is_causal=True))
        return out


def _pieces(text: Tensor, count: int) -> Data:
    """Return pieces at equal distances in a text, and the same, one letter further."""
    places = torch.linspace(0, len(text) - CONTEXT - 1, count).long()
    pieces = text[places.unsqueeze(1) + torch.arange(CONTEXT + 1)]
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


PROOF_TASKS: dict[str, Callable[[], Task]] = {
    "denoise": denoise,
    "waves": waves,
    "prose": prose,
}
