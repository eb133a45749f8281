"""How long the parts of each round took, and what a round cost against plain training."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import attrs

from clantune_clan.records import PhaseStart, RoundRecord
from clantune_report.facts import Facts

PARTS = ("cooperation", "competition", "validation", "turnover", "rest")


@attrs.frozen
class Cost:
    """The time of a round.

    Attributes:
        step: Steps of the run at its end.
        steps: Steps of the round.
        seconds: Duration of each of `PARTS`, the mean over the members.
        plain: Seconds that its steps take in plain data-parallel training; None if unknown.
    """

    step: int
    steps: int
    seconds: Mapping[str, float]
    plain: float | None

    @property
    def total(self) -> float:
        """Seconds of the whole round."""
        return sum(self.seconds.values())

    @property
    def ratio(self) -> float | None:
        """How many times as long as plain training the round took."""
        return self.total / self.plain if self.plain else None


def costs_of(facts: Facts) -> list[Cost]:
    """Return the time of each round."""
    phases = _phases(facts)
    return [_cost(facts, records, phases) for records in facts.rounds]


def _cost(
    facts: Facts, records: Sequence[RoundRecord], phases: Mapping[int, Sequence[PhaseStart]]
) -> Cost:
    own = {name: _mean(records, name) for name in ("cooperation", "competition", "turnover")}
    judging = _mean(records, "centre")
    own["validation"] = _mean(records, "evaluation") + _mean(records, "fitness") + judging
    own["turnover"] = max(0.0, own["turnover"] - judging)
    first = records[0]
    own["rest"] = max(0.0, _duration(facts, first, phases) - sum(own.values()))
    begins = [each for each in _in_round(first, phases) if each.mode == "competitive"]
    cooperative = begins[-1].step - first.start if begins else first.steps
    alone = first.steps - cooperative
    if cooperative and own["cooperation"]:
        step = own["cooperation"] / cooperative
    else:
        step = own["competition"] / alone if alone else 0.0
    seconds = {part: own[part] for part in PARTS}
    end = first.start + first.steps - facts.start.ramp.start
    return Cost(end, first.steps, seconds, step * first.steps)


def _mean(records: Sequence[RoundRecord], part: str) -> float:
    return sum(record.seconds.get(part, 0.0) for record in records) / len(records)


def _phases(facts: Facts) -> dict[int, list[PhaseStart]]:
    """Return the starts of phases by step. After a resume, a phase may have begun twice."""
    found: dict[int, list[PhaseStart]] = {}
    for phase in facts.run.phases:
        found.setdefault(phase.step, []).append(phase)
    return found


def _in_round(record: RoundRecord, phases: Mapping[int, Sequence[PhaseStart]]) -> list[PhaseStart]:
    end = record.start + record.steps
    parts = (each for step, each in phases.items() if record.start <= step < end)
    return [*itertools.chain.from_iterable(parts)]


def _duration(
    facts: Facts, record: RoundRecord, phases: Mapping[int, Sequence[PhaseStart]]
) -> float:
    """Return the seconds from the start of a round to that of the next one, or the end of the run.

    It is 0 if one of them is unknown, or if the run was resumed between them.
    """
    begins = phases.get(record.start, ())
    after = phases.get(record.start + record.steps, ())
    end = after[0].time if after else facts.run.end.time if facts.run.end else None
    if not begins or end is None:
        return 0.0
    begin = begins[-1].time
    if any(begin < start.time <= end for start in facts.run.starts):
        return 0.0
    return end - begin
