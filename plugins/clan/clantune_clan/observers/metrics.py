"""The metrics of a clan: their names and values, and an observer that logs them."""

from __future__ import annotations

import abc
import importlib.util
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from clantune_clan.errors import ClanError

if TYPE_CHECKING:  # the clan imports this module
    from clantune_clan import Individual, RoundRecord

PHASE, ROUND, CENTRE = "clan/competes", "clan/round", "clan/centre"
BACK = "clan/went_back_to"


class MetricsObserver(abc.ABC):
    """An observer that logs metrics, at the steps of the run.

    At the start of each phase it logs `clan/competes`, 1 if members compete from there on and 0 if
    they cooperate. At the end of a round it logs the metrics that `metrics_of` returns. The clan
    calls it on rank 0 only, so there is one run for all members.
    """

    @abc.abstractmethod
    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Log metrics, by name, at a number of steps of the run that are done."""

    def on_phase(self, member: Individual) -> None:
        """Log whether members compete."""
        self.log({PHASE: float(member.mode == "competitive")}, member.steps_done)

    def on_round_end(self, records: Sequence[RoundRecord]) -> None:
        """Log the results of a round."""
        self.log(metrics_of(records), records[0].start + records[0].steps)


def metrics_of(records: Sequence[RoundRecord]) -> dict[str, float]:
    """Return the metrics of a round by name. Values that are not finite numbers are left out.

    `clan/round` is its number, `clan/centre` the loss of the centre, and `clan/went_back_to` the
    round whose weights a clan went back to. Of each member there are `clan/member_0/metric`, the
    value of each gene, `clan/member_0/learning_rate` with warm-up and cooldown, and
    `clan/member_0/weights_from`, the member that its next weights are copied from.
    """
    return {name: float(value) for name, value in _numbers(records) if math.isfinite(value)}


def _numbers(records: Sequence[RoundRecord]) -> Iterator[tuple[str, float]]:
    first = records[0]
    yield ROUND, first.round
    if first.centre is not None:
        yield CENTRE, first.centre
    if first.went_back_to is not None:
        yield BACK, first.went_back_to
    for record in records:
        member = f"clan/member_{record.member}"
        for gene, value in record.genes.items():
            if isinstance(value, int | float):
                yield f"{member}/{gene}", value
        yield f"{member}/metric", record.metric
        if record.learning_rates:
            yield f"{member}/learning_rate", record.learning_rates[0]
        if record.weights_from is not None:
            yield f"{member}/weights_from", record.weights_from


def require_installed(module: str, package: str, observer: object) -> None:
    """Raise an error if a package is missing, on all ranks, since the others would wait for one.

    Args:
        module: Module that the observer imports at its first event.
        package: Package that contains it.
        observer: Observer that needs it.
    """
    if importlib.util.find_spec(module) is None:
        name = type(observer).__name__
        raise ClanError(f"{name} needs {module}, which is not installed: pip install {package}")
