"""A finding: one fact about this machine or installation, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import attrs

Level = Literal["ok", "note", "problem"]


@attrs.frozen
class Finding:
    """One fact.

    Attributes:
        level: `"ok"`; `"note"`, which matters to some; or `"problem"`, which stops or hurts a run.
        text: The fact.
        advice: What to do about it; empty if there is nothing to do.
    """

    level: Level
    text: str
    advice: str = ""


@attrs.frozen
class Plan:
    """What is to be run on this machine.

    Attributes:
        members: Number of processes on this machine.
        seconds: Time limit for the trial of a small clan.
    """

    members: int
    seconds: float


Subject = Callable[[Plan], Iterator[Finding]]
"""Examines one subject."""


def ok(text: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding("ok", text)


def note(text: str, advice: str) -> Finding:
    """Return a finding that matters to some."""
    return Finding("note", text, advice)


def problem(text: str, advice: str) -> Finding:
    """Return a finding that stops or hurts a run."""
    return Finding("problem", text, advice)
