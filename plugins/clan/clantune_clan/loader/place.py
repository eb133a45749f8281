"""The place of a loader in the data, and its saved form."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping
from typing import Any

import attrs

from clantune_clan.errors import ClanError, LoaderError
from clantune_clan.loader.deal import Deal
from clantune_clan.loader.order import Order
from clantune_clan.schedule import Schedule

RANKS = ("world_size", "ranks_per_member")
"""Settings that differ if another number of ranks or members goes on with the data."""


@attrs.frozen
class Place:
    """A place between two batches.

    Attributes:
        epoch: Number of the epoch.
        first: Number of the step that the epoch began with, or went on with on other ranks.
        batches: Number of batches of the epoch that the loader has yielded since then.
        skipped: Number of samples of the epoch that other ranks used before that step.
    """

    epoch: int
    first: int
    batches: int = 0
    skipped: int = 0

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
        "skipped": place.skipped,
        "deal": _decisive(deal, order),
    }


def from_state(state: Mapping[str, Any], deal: Deal, order: Order) -> Place:
    """Return the saved place.

    With another number of ranks it is in the same epoch, after the samples that were used.

    Raises:
        LoaderError: That loader distributed samples in another way.
    """
    was, now = state.get("deal"), _decisive(deal, order)
    if not isinstance(was, Mapping):
        raise LoaderError("This is not the state of a loader: it has no 'deal'")
    is_elsewhere = any(was.get(name) != now[name] for name in RANKS)
    compared = attrs.asdict(order) if is_elsewhere else now
    differing = [
        f"{name} is {value!r} and was {was.get(name)!r}"
        for name, value in compared.items()
        if was.get(name) != value
    ]
    if differing:
        raise LoaderError(
            f"The saved loader dealt otherwise: {', '.join(differing)}. Make this one as that was; "
            "or begin an epoch instead, with first_step= and set_epoch()"
        )
    names = ("epoch", "step", "batches", "skipped")
    epoch, step, batches, skipped = (_number(state, name) for name in names)
    if batches > step:
        raise LoaderError(
            f"This is not the state of a loader: batch {batches} of an epoch, step {step}"
        )
    place = Place(epoch, step - batches, batches, skipped)
    if not is_elsewhere:
        return place
    return Place(epoch, step, skipped=skipped + _used(place, _deal_of(was), order))


def _used(place: Place, deal: Deal, order: Order) -> int:
    """Return the number of samples in the batches that all ranks have yielded before a place."""
    left = sys.maxsize if order.samples is None else order.samples - place.skipped
    windows = itertools.islice(deal.windows(place.first, left), place.batches)
    return max((window.stop for window in windows), default=0)


def _deal_of(was: Mapping[str, Any]) -> Deal:
    """Return the rules of a saved loader."""

    def settings_of(kind: type[Any]) -> dict[str, Any]:
        return {field.name: was[field.name] for field in attrs.fields(kind) if field.name in was}

    try:
        return Deal(schedule=Schedule(**settings_of(Schedule)), **settings_of(Deal))
    except (ClanError, TypeError) as error:
        raise LoaderError(f"This is not the state of a loader: {error}") from error


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
