"""The order of an epoch, and the seeds of random numbers."""

from __future__ import annotations

import hashlib

import attrs
import torch


@attrs.frozen
class Order:
    """The order of a dataset's samples in each epoch, equal on all ranks.

    Attributes:
        samples: Length of the dataset; None for a stream, which has its own order.
        shuffle: Whether each epoch has a permutation of its own.
        seed: Seed of the permutations and of the workers.
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
        """Return a seed, 0 to 2**63 - 1, derived from the purpose, the numbers and `seed`."""
        key = "/".join(map(str, ("clantune/loader", purpose, self.seed, *numbers)))
        digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") >> 1
