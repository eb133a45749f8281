"""How far a campaign is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from clantune_store.database import Database
from clantune_store.errors import MetricError
from clantune_store.questions.top import Row, top
from clantune_store.runs.claims import Claim


@attrs.frozen
class Progress:
    """How far a campaign is.

    Attributes:
        campaign: Number of the campaign.
        round: Rounds that have been bred.
        rounds: Rounds to breed.
        ok: Runs that have ended well.
        failed: Runs that have failed.
        left: Runs that wait or are carried out.
        ahead: Runs of the rounds to come, if every child is new.
        best: The best run so far, or None.
        ended: Run that has just ended, and its state, or None.
        said: Sentence about what has just happened, or an empty text.
    """

    campaign: int
    round: int
    rounds: int
    ok: int
    failed: int
    left: int
    ahead: int
    best: Row | None
    ended: tuple[Claim, str] | None = None
    said: str = ""


def best_of(database: Database, options: Mapping[str, Any]) -> Row | None:
    """Return the best run so far; None while there is no value."""
    try:
        found = top(
            database,
            options["metric"],
            1,
            lowest=options["lowest"],
            where=options["breeding"].get("where", ""),
        )
    except MetricError:
        return None
    return found[0] if found else None
