"""Checking the starts, phases and end of a run."""

from __future__ import annotations

import math
from typing import Any

from clantune_clan import ClanError
from clantune_clan.records import RunFile, RunStart
from clantune_core import DataError
from clantune_core.contracts import EXPRESSION, Expressed


def require_sound_events(run: RunFile) -> None:
    """Check all events of a run.

    Raises:
        ClanError: An event has a value that cannot be.
    """
    for start in run.starts:
        _require_sound_start(run, start)
    _require_sound_times(run)


def _require_sound_start(run: RunFile, start: RunStart) -> None:
    ramp = start.ramp
    lengths = (start.step, start.members, start.ranks, start.round_length, ramp.start)
    numbers = (start.duty_cycle, ramp.warmup, ramp.cooldown)
    ends = (start.total_steps, ramp.end)
    if not (
        is_moment(start.time)
        and all(map(is_count, lengths))
        and all(map(is_number, numbers))
        and all(end is None or is_count(end) for end in ends)
        and start.members > 0
        and isinstance(start.versions, dict)
        and start.mode in ("min", "max")
    ):
        raise ClanError(f"{run.path}: the start of the run has a value that cannot be: {start}")
    for name, allele in start.genes.items():
        if EXPRESSION in allele.metadata:
            try:
                Expressed.of(name, allele)
            except DataError as error:
                raise ClanError(f"{run.path}: {error}") from error


def _require_sound_times(run: RunFile) -> None:
    moments = [(phase.time, phase.step) for phase in run.phases]
    moments += [(run.end.time, 0)] if run.end else []
    for time, step in moments:
        if not (is_moment(time) and is_count(step)):
            raise ClanError(f"{run.path}: a phase or the end has the time {time!r}, step {step!r}")


def is_count(value: Any) -> bool:
    """Whether a value is a whole number, 0 or more."""
    return type(value) is int and value >= 0


def is_moment(value: Any) -> bool:
    """Whether a value is a time of this millennium, or before it, in seconds since 1970."""
    return is_number(value) and 0 <= value < 32_503_680_000


def is_number(value: Any) -> bool:
    """Whether a value is a finite number."""
    return type(value) in (int, float) and math.isfinite(value)
