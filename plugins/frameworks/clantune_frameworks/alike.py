"""Judging with the same random numbers on all ranks, without moving those of the training."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch


@contextlib.contextmanager
def judging_alike() -> Iterator[None]:
    """Let all ranks draw the same random numbers inside the block, and then go on as before.

    A collator or a dataset may draw, and all weights of a round are judged on the same data.
    """
    python, numbers = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numbers)
