"""What a clan has found, as metrics for the loggers of a framework."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import attrs

from clantune_clan import Individual, RoundRecord

Log = Callable[[dict[str, float]], None]
"""A function that logs metrics at the current step of the framework."""


def metrics_of(records: Sequence[RoundRecord]) -> dict[str, float]:
    """Return the metrics of a round: those of the clan, and the genes and loss of each member."""
    return {name: float(value) for name, value in _numbers(records) if math.isfinite(value)}


def competition_of(member: Individual) -> dict[str, float]:
    """Return whether members compete from now on, as a metric."""
    return {"clan/competes": float(member.mode == "competitive")}


def _numbers(records: Sequence[RoundRecord]) -> Iterator[tuple[str, float]]:
    first = records[0]
    yield "clan/round", first.round
    if first.centre is not None:
        yield "clan/centre", first.centre
    for record in records:
        member = f"clan/member_{record.member}"
        yield f"{member}/metric", record.metric
        for gene, value in record.genes.items():
            if isinstance(value, int | float):
                yield f"{member}/{gene}", value


@attrs.frozen(eq=False)
class Logging:
    """An observer of a clan that logs on rank 0, in one run for all members."""

    log: Log

    def on_phase(self, member: Individual) -> None:
        """Log whether members compete."""
        self.log(competition_of(member))

    def on_round_end(self, records: Sequence[RoundRecord]) -> None:
        """Log the results of a round."""
        self.log(metrics_of(records))
