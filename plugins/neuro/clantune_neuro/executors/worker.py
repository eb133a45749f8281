"""What runs in the process of a worker: it scores a chunk, or says what its process lacks."""

from __future__ import annotations

import os
import pickle
import socket
import threading
import traceback
from collections import OrderedDict
from collections.abc import Mapping

import attrs

from clantune_neuro.errors import NeuroError
from clantune_neuro.evaluation.outcomes import Chunk, Failure, Outcomes
from clantune_neuro.evaluation.workplace import FailedError, Workplace
from clantune_neuro.lineage.form import GIVEN_RECORDS
from clantune_neuro.lineage.gene import CHARACTERS
from clantune_neuro.lineage.lineage import Lineage

PLACES = 4
"""Workplaces that a process keeps. Only the last one keeps weights."""

BIRTHS = 8
"""Births of given weights that a workplace keeps besides those of its last chunk."""


@attrs.frozen
class Wanted:
    """What a process lacks to score a chunk.

    Attributes:
        worker: Name of the process.
        names: The key of the workplace, and the SHA-256 of given weights.
    """

    worker: str
    names: tuple[str, ...]


@attrs.frozen
class Unusable:
    """An error that is not the task's: of the workplace, given weights or an operator.

    Attributes:
        error: Type and message of the error.
        traceback: The traceback as text.
        is_known: Whether it is an error of this package, whose message says what is wrong.
    """

    error: str
    traceback: str
    is_known: bool = False


Answer = Outcomes | Failure | Wanted | Unusable
"""What a worker answers. It raises nothing, because not every error can be sent."""


def score(key: str, chunk: Chunk, supplies: Mapping[str, bytes]) -> Answer:
    """Return what becomes of the lineages of a chunk, or what is needed to say so.

    Args:
        key: Name of the workplace.
        chunk: The chunk.
        supplies: What an earlier answer wanted, by name.
    """
    with _LOCK:  # a worker of Dask may have several threads
        try:
            missing = _missing(key, chunk, supplies)
            if missing:
                return Wanted(f"{socket.gethostname()}/{os.getpid()}", missing)
            return _PLACES[key].evaluate(chunk)
        except FailedError as error:
            return error.failure
        except Exception as error:  # noqa: BLE001  (the process that asked raises it)
            text = "".join(traceback.format_exception(error))
            return Unusable(f"{type(error).__name__}: {error}", text, isinstance(error, NeuroError))


_LOCK = threading.Lock()
_PLACES: OrderedDict[str, Workplace] = OrderedDict()
_BIRTHS: dict[str, OrderedDict[str, None]] = {}


def _missing(key: str, chunk: Chunk, supplies: Mapping[str, bytes]) -> tuple[str, ...]:
    """Take supplies, and return the names of what is still missing."""
    if key in supplies and key not in _PLACES:
        _PLACES[key], _BIRTHS[key] = pickle.loads(supplies[key]), OrderedDict()  # noqa: S301
    wanted = _births(chunk)
    if key not in _PLACES:
        return (key, *(name for name in wanted if name not in supplies))
    _use(key)
    births = _PLACES[key].nursery.births
    for name in wanted:
        if name in supplies and name not in births:
            births.put(name, supplies[name])
    _forget_births(key, [name for name in wanted if name in births])
    return tuple(name for name in wanted if name not in births)


def _births(chunk: Chunk) -> list[str]:
    """Return the SHA-256 of all given weights that the lineages of a chunk begin with."""
    starts = {lineage[: CHARACTERS * GIVEN_RECORDS] for lineage in chunk.lineages}
    return sorted({name for start in starts if (name := Lineage(start).given_name)})


def _use(key: str) -> None:
    """Make a workplace the last one that was used, and forget the oldest of too many."""
    if next(reversed(_PLACES)) != key or len(_PLACES) > PLACES:
        _PLACES.move_to_end(key)
        while len(_PLACES) > PLACES:
            oldest, _ = _PLACES.popitem(last=False)
            del _BIRTHS[oldest]
        for other, place in _PLACES.items():
            if other != key:
                place.nursery.clear()


def _forget_births(key: str, used: list[str]) -> None:
    """Forget the given weights that no chunk has needed for the longest time."""
    order, births = _BIRTHS[key], _PLACES[key].nursery.births
    for name in used:
        order[name] = None
        order.move_to_end(name)
    while len(order) > BIRTHS + len(used):
        births.forget(order.popitem(last=False)[0])
