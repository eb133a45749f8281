"""The start of a run, as its file records it."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence

import torch

import clantune_core
from clantune_clan.communication import Communication
from clantune_clan.records.events import RunStart
from clantune_clan.run.settings import Settings
from clantune_core import AbstractAllele


def run_start(
    settings: Settings,
    genes: Mapping[str, AbstractAllele],
    presets: Sequence[str],
    schedulers: Sequence[str],
    communicator: Communication,
    step: int,
) -> RunStart:
    """Return the start of a run that begins or resumes now.

    Args:
        settings: Settings of the run.
        genes: Alleles of the first genome, by name.
        presets: Each preset as text.
        schedulers: Class of each scheduler that was handed in.
        communicator: Channel to the other ranks.
        step: Steps of the run that are done.
    """
    return RunStart(
        time=time.time(),
        step=step,
        members=communicator.num_members,
        ranks=communicator.world_size,
        recipe=settings.name,
        strategies=[repr(each) for each in settings.evolution.strategies],
        presets=presets,
        schedulers=schedulers,
        inheritance=settings.recipe.inheritance,
        mode=settings.mode,
        total_steps=settings.total_steps,
        round_length=settings.schedule.round_length,
        duty_cycle=settings.schedule.duty_cycle,
        ramp=settings.ramp,
        genes=genes,
        versions={
            "clantune": clantune_core.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    )
