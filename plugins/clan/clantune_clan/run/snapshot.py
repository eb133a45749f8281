"""The parts of a checkpoint besides the member: random streams, loader, and more."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from typing import Any

import torch


def random_streams() -> dict[str, Any]:
    """Return the state of the global random streams: Python, torch, CUDA, and NumPy if loaded."""
    version, words, gauss = random.getstate()
    streams: dict[str, Any] = {
        "python": [version, [*words], gauss],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    if (numpy := sys.modules.get("numpy")) is not None:
        name, keys, *rest = numpy.random.get_state()
        streams["numpy"] = [name, torch.from_numpy(keys.astype("int64")), *rest]
    return streams


def restore_random_streams(streams: Mapping[str, Any]) -> None:
    """Restore the states of the random streams."""
    version, words, gauss = streams["python"]
    random.setstate((version, tuple(words), gauss))
    torch.set_rng_state(streams["torch"])
    if torch.cuda.is_available() and len(streams["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(streams["cuda"])
    if "numpy" in streams and (numpy := sys.modules.get("numpy")) is not None:
        name, keys, *rest = streams["numpy"]
        numpy.random.set_state((name, keys.numpy().astype("uint32"), *rest))
