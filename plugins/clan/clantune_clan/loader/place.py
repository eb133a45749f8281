"""The place of a loader in the data, and its saved form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from clantune_clan.errors import LoaderError
from clantune_clan.loader.deal import Deal
from clantune_clan.loader.order import Order


@attrs.frozen
class Place:
    """A place between two batches.

    Attributes:
        epoch: Number of the epoch.
        first: Number of the step that the epoch began with.
        batches: Number of batches of the epoch that the loader has yielded.
    """

    epoch: int
    first: int
    batches: int = 0

    @property
    def step(self) -> int:
        """Number of the step that uses the next batch."""
        return self.first + self.batches

    def after_a_batch(self) -> Place:
        """Return the place after the next batch."""
        return attrs.evolve(self, batches=self.batches + 1)

    def at_epoch(self, epoch: int) -> Place:
        """Return the start of an epoch that begins here."""
        return Place(epoch, self.step)


def to_state(place: Place, deal: Deal, order: Order) -> dict[str, Any]:
    """Return a place as JSON data, with all settings that determine the next batches."""
    return {
        "epoch": place.epoch,
        "step": place.step,
        "batches": place.batches,
        "deal": _decisive(deal, order),
    }


def from_state(state: Mapping[str, Any], deal: Deal, order: Order) -> Place:
    """Return the saved place; raise an error if that loader distributed samples in another way."""
    was = state.get("deal")
    if not isinstance(was, Mapping):
        raise LoaderError("This is not the state of a loader: it has no 'deal'")
    differing = [
        f"{name} is {value!r} and was {was.get(name)!r}"
        for name, value in _decisive(deal, order).items()
        if was.get(name) != value
    ]
    if differing:
        raise LoaderError(
            f"The saved loader dealt otherwise: {', '.join(differing)}. Make this one as that was; "
            "or begin an epoch instead, with first_step= and set_epoch()"
        )
    epoch, step, batches = (_number(state, name) for name in ("epoch", "step", "batches"))
    if batches > step:
        raise LoaderError(
            f"This is not the state of a loader: batch {batches} of an epoch, step {step}"
        )
    return Place(epoch, step - batches, batches)


def _decisive(deal: Deal, order: Order) -> dict[str, Any]:
    """Return the settings that determine the samples of a step, by the names of arguments."""
    settings = {**attrs.asdict(deal, recurse=False), **attrs.asdict(order)}
    schedule = attrs.asdict(settings.pop("schedule"))
    return settings | schedule | {"calibration": [*schedule["calibration"]]}


def _number(state: Mapping[str, Any], name: str) -> int:
    number = state.get(name)
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise LoaderError(f"This is not the state of a loader: its {name!r} is {number!r}")
    return number
