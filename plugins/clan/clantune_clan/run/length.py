"""The length of a run: given in steps, or in epochs."""

from __future__ import annotations

from collections.abc import Callable

from clantune_clan.errors import ClanError
from clantune_clan.loader import ClanLoader
from clantune_clan.schedule import Schedule

TRIES = 20


def steps_of(
    total_steps: int | None, epochs: int | None, steps_per_epoch: int | None
) -> int | None:
    """Return the steps of a run, or None if they are unknown or not known yet.

    Raises:
        ClanError: An argument is not a number of its kind, or two contradict each other.
    """
    given = {"total_steps": total_steps, "epochs": epochs, "steps_per_epoch": steps_per_epoch}
    for name, number in given.items():
        if number is not None and (type(number) is not int or number < 1):
            raise ClanError(f"{name} is a whole number, 1 or more; got {number!r}")
    if total_steps is not None and (epochs is not None or steps_per_epoch is not None):
        raise ClanError("give total_steps=, or epochs= and steps_per_epoch=, not both")
    if steps_per_epoch is not None and epochs is None:
        raise ClanError("steps_per_epoch= needs epochs=, the number of them")
    if epochs is None or steps_per_epoch is None:
        return total_steps
    return epochs * steps_per_epoch


def steps_of_epochs(
    epochs: int,
    schedule_for: Callable[[int], Schedule],
    loader_for: Callable[[Schedule], ClanLoader],
) -> int:
    """Return the steps that a clan's loader needs for a number of epochs.

    A competitive step takes fewer samples of an epoch than a cooperative one. The number of
    competitive steps depends on the length of the run. So this function tries several lengths.

    Args:
        epochs: Number of epochs, 1 or more.
        schedule_for: Function that returns the schedule of a run with a number of steps.
        loader_for: Function that returns the loader with a schedule.
    """
    steps_of(None, epochs, None)  # raises an error if it is not a number
    steps = loader_for(Schedule(1, 0.0)).steps_in(epochs)
    for _ in range(TRIES):
        needed = loader_for(schedule_for(steps)).steps_in(epochs)
        if needed == steps:
            return steps
        steps, shorter = needed, min(steps, needed)
    return max(steps, shorter)
