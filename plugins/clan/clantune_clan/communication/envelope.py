"""The values that ranks exchange, each with the place that its rank is at or with its failure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import attrs

from clantune_clan.communication.failure import Failure
from clantune_clan.errors import CommunicationError


def pack(place: str, text: str, failure: Failure | None) -> str:
    """Return a message in ASCII characters.

    Args:
        place: Description of the exchange.
        text: Value of this rank as JSON.
        failure: Failure of this rank, instead of a value.
    """
    described = None if failure is None else attrs.asdict(failure)
    return f"[{json.dumps([place, described])}, {text}]"


def unpack(messages: Sequence[str], me: int) -> list[Any]:
    """Return the values of all ranks, in rank order.

    Raises:
        ClanTuneError: A rank has failed.
        CommunicationError: Two ranks are at different places.
    """
    answers = [json.loads(each) for each in messages]
    for rank, ((_, failure), _) in enumerate(answers):
        if failure is not None:
            raise Failure(**failure).error(rank)
    require_one_place([place for (place, _), _ in answers], me)
    return [value for _, value in answers]


def require_one_place(places: Sequence[str], me: int) -> None:
    """Raise an error if a rank is at another place than this one."""
    for rank, place in enumerate(places):
        if place != places[me]:
            raise CommunicationError(
                f"rank {rank} is at {place}, and rank {me} at {places[me]}: every rank takes the "
                "same steps"
            )
