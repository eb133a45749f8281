"""From what the user gives at the end of a round to a fitness of each member."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import torch
from torch import nn

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.member.average import WeightAverage
from clantune_clan.member.state import State
from clantune_clan.run.attempt import Attempt

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
    """Return the loss of a model as it is: no gradients, and all modes of training kept."""
    modes = {module: module.training for module in model.modules()}
    try:
        with torch.no_grad():
            return number_of(loss(model))
    finally:
        for module, training in modes.items():
            module.training = training


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
    attempt = Attempt.of(lambda: _own(result, state, sign))
    told = communicator.gather(
        "the losses of a round", [*map(str, attempt.value or ())], problem=attempt.problem
    )
    pairs = [(float(own), float(raw)) for own, raw in told[:: communicator.ranks_per_member]]
    return _judged(pairs)


def _own(result: Any, state: State, sign: float) -> tuple[float, float]:
    """Return the fitness of what the model holds, and that of its own weights."""
    average = state.average
    own = sign * (measured(result, state.model) if callable(result) else number_of(result))
    if average is None or not average.is_in_place:
        return own, own
    average.swap_out()
    if callable(result):
        return own, sign * measured(result, state.model)
    # Nobody measures them, but weights that are lost can be seen.
    sound = all(bool(torch.isfinite(p.detach().sum())) for p in state.model.parameters())
    return own, own if sound else math.inf


def _judged(pairs: list[tuple[float, float]]) -> list[float]:
    """Return the averaged weights' fitness; the raw ones' where these have blown up."""
    living = [own for own, _ in pairs if math.isfinite(own)]
    limit = BLOWN_UP * median(living) if living and median(living) > 0.0 else math.inf
    fitnesses = []
    for own, raw in pairs:
        if not (math.isfinite(own) and math.isfinite(raw)):
            fitnesses.append(math.inf)
        else:
            fitnesses.append(max(own, raw) if raw >= limit else own)
    return fitnesses


@contextlib.contextmanager
def holding(average: WeightAverage | None, *, averaged: bool) -> Iterator[None]:
    """Let the model hold the weights that are judged."""
    if average is None or not averaged:
        yield
    else:
        with average.in_place():
            yield
