"""The shapes of noise: tables of 65,536 integers in units of 2^-24, with unit variance.

A field of 16 bits indexes a table. The tables are files of the package, pinned by their SHA-256;
`noise.make_tables` makes them.
"""

from __future__ import annotations

import functools
import hashlib
from importlib import resources

import numpy as np
import torch

from clantune_neuro.errors import NeuroError

SHAPES = ("normal", "exponential", "uniform")
"""The shapes in the order of their numbers. `exponential` has both signs."""

TABLE_BITS = 24
"""A table counts in units of 2^-24."""

HASHES = {
    "normal": "e3f34f210a8cec7b6e955b6d6def28f68590501dd057ddba27d6dfb6febe9e05",
    "exponential": "4d65b7c4c74267b5de7bce39b909682b65ae3af794737284dec076ac3762b38a",
    "uniform": "16c47485be22b5937859979d2d418a325e5c968c33de4cdc5aaed44754d8f111",
}


@functools.cache
def table(shape: str) -> torch.Tensor:
    """Return the table of a shape as int32. Callers share it and leave it as it is.

    Raises:
        NeuroError: The file of the table is damaged.
    """
    file = resources.files("clantune_neuro") / "noise" / "tables" / f"{shape}.bin"
    data = file.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != HASHES[shape]:
        raise NeuroError(
            f"the table {file} is damaged: its SHA-256 is {found}, not {HASHES[shape]}; install "
            "clantune-neuro again"
        )
    return torch.from_numpy(np.frombuffer(data, dtype="<i4").astype(np.int32))
