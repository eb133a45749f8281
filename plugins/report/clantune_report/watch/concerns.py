"""What a person should know about a run that goes wrong."""

from __future__ import annotations

import math

from clantune_clan.records import RunStart
from clantune_core import ContinuousAllele
from clantune_report.watch.facts import Facts
from clantune_report.watch.progress import Progress
from clantune_report.watch.wording import duration, listed

PATIENCE = 3.0
"""Lengths of a round after which a run without a new line counts as silent."""

SHORTEST_SILENCE = 60.0
"""Seconds without a new line that are never remarkable."""


def silence_of(facts: Facts, progress: Progress, now: float) -> str | None:
    """Return a sentence if the run has written nothing for long.

    Args:
        facts: What its file says.
        progress: Where the run is.
        now: Seconds since 1970.
    """
    if facts.pace is None or facts.run.end is not None or progress.is_complete:
        return None
    silent = now - max(facts.written, _last_time(facts))
    round_seconds = facts.pace.whole * facts.run.start.round_length
    if silent <= max(PATIENCE * round_seconds, SHORTEST_SILENCE):
        return None
    return (
        f"no line for {duration(silent)}: a round takes {duration(round_seconds)}; has it stopped?"
    )


def concerns_of(facts: Facts, progress: Progress) -> list[str]:
    """Return sentences about a run that ended early, members that failed, and values at limits.

    Args:
        facts: What the file of the run says.
        progress: Where the run is.
    """
    start = facts.run.start
    found = []
    if facts.run.end is not None and not progress.is_complete:
        found.append("the run ended before its last step; it may be resumed")
    if start.members == 1:
        found.append("a clan of one member: it trains, but nothing is tuned")
    if facts.rounds:
        last = facts.rounds[-1]
        failed = [each.member for each in last if not math.isfinite(each.metric)]
        if failed:
            members, whose = ("members", "their") if len(failed) > 1 else ("member", "its")
            found.append(
                f"{members} {listed(failed)} failed in round {last[0].round}: {whose} "
                f"{metric_name(start)} is not finite"
            )
    if at_limit := _at_limits(facts):
        found.append(f"at the end of the domain: {', '.join(at_limit)}; a wider one may be better")
    return found


def metric_name(start: RunStart) -> str:
    """Return what the metric is called."""
    return "score" if start.mode == "max" else "loss"


def _last_time(facts: Facts) -> float:
    return max([facts.run.start.time, *(phase.time for phase in facts.run.phases[-1:])])


def _at_limits(facts: Facts) -> list[str]:
    """Return the genes that evolve and that most members hold at an end of their domain."""
    last = facts.rounds[-1] if facts.rounds and not facts.is_calibrating else ()
    found = []
    for name in facts.genes:
        allele = facts.run.start.genes[name]
        if isinstance(allele, ContinuousAllele) and allele.can_mutate:
            at_end = [record.genes[name] in tuple(allele.domain) for record in last]
            if 2 * sum(at_end) > len(at_end):
                found.append(name)
    return found
