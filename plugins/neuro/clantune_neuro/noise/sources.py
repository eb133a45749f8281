"""Two sources of the same noise: numpy on the CPU, and torch on any device."""

from __future__ import annotations

from typing import Protocol

import attrs
import numpy as np
import torch

from clantune_neuro.noise.philox import blocks, torch_fields


class Source(Protocol):
    """Looks up the fields of a stream in a table."""

    def look_up(self, table: torch.Tensor, seed: int, key: int, count: int) -> torch.Tensor:
        """Return the entries of a table for the first `count` fields of a stream.

        Args:
            table: 65,536 integers of type int32.
            seed: Seed of the gene, 64 bits.
            key: Key of the stream, from `key_of`.
            count: Number of entries, 1 or more.
        """
        ...


@attrs.frozen
class NumpySource:
    """Noise of numpy's generator, which is the fastest one on a CPU."""

    def look_up(self, table: torch.Tensor, seed: int, key: int, count: int) -> torch.Tensor:
        """Return the entries of a table for the first `count` fields of a stream."""
        found, entries, start = np.empty(count, dtype=np.int32), table.numpy(), 0
        for part in blocks(seed, key, count):
            # "clip" is faster than "raise"; a field of 16 bits always lies within the table.
            np.take(entries, part, out=found[start : start + len(part)], mode="clip")
            start += len(part)
        return torch.from_numpy(found)


@attrs.frozen
class TorchSource:
    """Noise of the twin in torch operations, computed on a device.

    Attributes:
        device: The device of the noise.
    """

    device: torch.device

    def look_up(self, table: torch.Tensor, seed: int, key: int, count: int) -> torch.Tensor:
        """Return the entries of a table for the first `count` fields of a stream."""
        found = torch_fields(seed, key, count, self.device)
        return table.to(self.device).index_select(0, found)


def source_for(device: torch.device) -> Source:
    """Return the fastest source of noise on a device."""
    return NumpySource() if device.type == "cpu" else TorchSource(device)
