"""From what the user gives at the end of a round to a fitness of each member."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch import nn

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.member.average import WeightAverage
from clantune_clan.member.state import State

Loss = Callable[[nn.Module], Any]

BLOWN_UP = 1.5
"""Raw weights that are worse than this many times the median count for themselves."""


def number_of(result: Any) -> float:
    """Return a loss as a number.

    Raises:
        ClanError: It is none.
    """
    try:
        return float(result)
    except (TypeError, ValueError, RuntimeError):
        raise ClanError(
            f"a round ends with a loss, one number, or with a function that takes the model and "
            f"returns it; got {result!r}"
        ) from None


def measured(loss: Loss, model: nn.Module) -> float:
    """Return the loss of a model as it is: no gradients, and its mode of training kept."""
    training = model.training
    try:
        with torch.no_grad():
            return number_of(loss(model))
    finally:
        model.train(training)


def fitness_of_all(
    result: Any, state: State, communicator: Communication, *, sign: float
) -> list[float]:
    """Return the fitness of each member, lower is better; the model gets its own weights back.

    Args:
        result: This member's loss or score, or a function of the model that returns it.
        state: Whose model is judged; it may hold its averaged weights.
        communicator: The channel to the others.
        sign: -1 if high scores are good.
    """
    average = state.average
    holds_average = average is not None and average.is_in_place
    problem: Exception | None = None
    mine = raw = math.nan
    try:
        mine = sign * (measured(result, state.model) if callable(result) else number_of(result))
    except Exception as error:  # noqa: BLE001  (raised below, on all ranks)
        problem = error
    if average is not None and holds_average:
        average.swap_out()
        if callable(result) and problem is None:
            raw = sign * measured(result, state.model)
    told = communicator.gather("the losses of a round", [str(mine), str(raw)], problem=problem)
    pairs = [(float(m), float(r)) for m, r in told[:: communicator.ranks_per_member]]
    return _judged(pairs)


def _judged(pairs: list[tuple[float, float]]) -> list[float]:
    """Return the averaged weights' losses; the raw ones' where these have blown up."""
    living = [fitness for fitness, _ in pairs if math.isfinite(fitness)]
    limit = BLOWN_UP * median(living) if living and median(living) > 0.0 else math.inf
    return [_lost(max(fitness, raw) if raw >= limit else fitness) for fitness, raw in pairs]


def _lost(fitness: float) -> float:
    return fitness if math.isfinite(fitness) else math.inf


@contextlib.contextmanager
def holding(average: WeightAverage | None, *, averaged: bool) -> Any:
    """Let the model hold the weights that are judged."""
    if average is None or not averaged:
        yield
    else:
        with average.in_place():
            yield
