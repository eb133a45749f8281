"""The order of an epoch, and the seeds that numbers at random come from."""

from __future__ import annotations

import hashlib

import attrs
import torch


@attrs.frozen
class Order:
    """In which order an epoch goes through a dataset: the same on all ranks.

    Attributes:
        samples: Length of the dataset; None of a stream, whose order is its own.
        shuffle: Whether each epoch has a permutation of its own.
        seed: Permutations and seeds of workers follow from it.
    """

    samples: int | None
    shuffle: bool
    seed: int

    def of_epoch(self, epoch: int) -> torch.Tensor:
        """Return the index of the sample at each place."""
        if not self.shuffle:
            return torch.arange(self.samples or 0, device="cpu")
        generator = torch.Generator().manual_seed(self.seed_of("order", epoch))
        return torch.randperm(self.samples or 0, generator=generator, device="cpu")

    def seed_of(self, purpose: str, *numbers: int) -> int:
        """Return a seed, 0 to 2**63 - 1, that the purpose, the numbers and `seed` decide."""
        key = "/".join(map(str, ("clantune/loader", purpose, self.seed, *numbers)))
        digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") >> 1
