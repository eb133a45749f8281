"""The Trainer that calls a callback, and where it is in its training.

Trainer gives its callbacks the model, the optimizer and the state of the run, but not itself, and
not the checkpoint that `train` got. Both stand in the frames that have called the callback.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

from transformers import Trainer

AnyTrainer: TypeAlias = Any
"""A `Trainer`. Its attributes are declared as None too, which they are not in a training."""


def calling_trainer() -> AnyTrainer | None:
    """Return the Trainer that has called this function, or None."""
    for frame in _callers():
        if isinstance(found := frame.f_locals.get("self"), Trainer):
            return found
    return None


def has_train_dataloader(trainer: AnyTrainer) -> bool:
    """Return whether the `train` of a Trainer that calls has its loader already."""
    return any(
        frame.f_locals.get("self") is trainer and "train_dataloader" in frame.f_locals
        for frame in _callers()
    )


def resumed_checkpoint(trainer: AnyTrainer) -> Path | None:
    """Return the checkpoint that a Trainer resumes from in the `train` that calls, or None."""
    for frame in _callers():
        found: Any = frame.f_locals.get("resume_from_checkpoint")
        if frame.f_locals.get("self") is trainer and isinstance(found, str | os.PathLike):
            return Path(found)
    return None


def _callers() -> Iterator[FrameType]:
    frame = inspect.currentframe()
    while frame is not None:
        yield frame
        frame = frame.f_back
