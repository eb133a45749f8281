"""The fitness of each member, from the losses that the user measures.

If the fitness of a member is not finite, the member has failed and its weights are replaced.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean, median
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from clantune_clan.errors import ClanError
from clantune_clan.member.average import WeightAverage
from clantune_clan.member.training_state import TrainingState
from clantune_clan.run.settings import Settings
from clantune_clan.shards import local

Judge = Callable[[nn.Module], Any]
"""A function that takes the model and returns its loss or score."""

BLOWN_UP = 1.5
"""Multiple of the median above which the raw loss counts, since an average hides divergence."""


def number_of(result: Any) -> float:
    """Return a loss as a number: a Python number, or a tensor or array of one element.

    Raises:
        ClanError: The loss is of another type.
    """
    if not isinstance(result, str | bytes | bool):
        with contextlib.suppress(TypeError, ValueError, RuntimeError):  # refused below
            return float(result)
    raise ClanError(
        f"a round ends with a loss, one number, or with a function that takes the model and "
        f"returns it; got {result!r}"
    )


def measure(judge: Judge, model: nn.Module) -> float:
    """Return the loss of a model in eval mode, without gradients. Then restore training modes."""
    modes = {module: module.training for module in model.modules()}
    try:
        model.eval()
        with torch.no_grad():
            return number_of(judge(model))
    finally:
        for module, training in modes.items():
            module.training = training


class Losses(NamedTuple):
    """Losses or scores of one member, as the user measured them.

    Attributes:
        judged: Loss of the weights that are judged, which may be averaged ones.
        own: Loss of the member's own weights; NaN if these are not finite.
    """

    judged: float
    own: float


def losses_of_member(result: Any, state: TrainingState) -> Losses:
    """Return the losses of a model, and restore its own weights.

    Args:
        result: Loss or score, or a function of the model that returns it.
        state: State of the model to judge, which may contain its averaged weights.
    """
    average = state.average
    judged = measure(result, state.model) if callable(result) else number_of(result)
    if average is None or not average.is_in_place:
        return Losses(judged, judged)
    average.swap_out()
    if callable(result):
        return Losses(judged, measure(result, state.model))
    # There is no loss of the own weights, but their values show whether they are finite.
    finite = all(map(_is_finite, map(local, state.model.parameters())))
    return Losses(judged, judged if finite else math.nan)


def _is_finite(tensor: Tensor) -> bool:
    # In full precision, where a sum of sound half-precision weights does not overflow.
    wide = torch.promote_types(tensor.dtype, torch.float32)
    return bool(torch.isfinite(tensor.detach().sum(dtype=wide)))


def losses_of_members(
    losses: Sequence[Losses], ranks_per_member: int, settings: Settings
) -> list[Losses]:
    """Return the losses of each member: its first rank's, or the mean if ranks judge on parts."""
    if settings.judge == "shared":
        firsts = range(0, len(losses), ranks_per_member)
        members = [losses[first : first + ranks_per_member] for first in firsts]
        # A rank of a sharded member knows only whether its own shards are finite.
        failed = [any(math.isnan(each.own) for each in member) for member in members]
        return [
            Losses(member[0].judged, math.nan if has_failed else member[0].own)
            for member, has_failed in zip(members, failed, strict=True)
        ]
    made = []
    for first in range(0, len(losses), ranks_per_member):
        judged, own = zip(*losses[first : first + ranks_per_member], strict=True)
        made.append(Losses(fmean(judged), fmean(own)))
    return made


def fitnesses_of(losses: Sequence[Losses], settings: Settings) -> list[float]:
    """Return the fitness of each member. Lower is better, and a failed member has infinity."""
    signed = [Losses(settings.sign * each.judged, settings.sign * each.own) for each in losses]
    finite = [each.judged for each in signed if math.isfinite(each.judged)]
    limit = BLOWN_UP * median(finite) if finite and median(finite) > 0.0 else math.inf
    return [_fitness(each, limit) for each in signed]


def _fitness(losses: Losses, limit: float) -> float:
    if not all(map(math.isfinite, losses)):
        return math.inf
    return max(losses) if losses.own >= limit else losses.judged


@contextlib.contextmanager
def holding(average: WeightAverage | None, *, averaged: bool) -> Iterator[None]:
    """Put the weights that are judged into the model."""
    if average is None or not averaged:
        yield
    else:
        with average.in_place():
            yield


@contextlib.contextmanager
def restoring(average: WeightAverage | None) -> Iterator[None]:
    """Put the averaged weights back if the block fails, so that the user can repeat the call."""
    was_in_place = average is not None and average.is_in_place
    try:
        yield
    except BaseException:
        if average is not None and was_in_place and not average.is_in_place:
            average.swap_in()
        raise
