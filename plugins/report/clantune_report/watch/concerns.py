"""What a person should know about a run that goes wrong."""

from __future__ import annotations

from clantune_report.facts import has_failed
from clantune_report.watch.progress import Progress
from clantune_report.watch.snapshot import Snapshot
from clantune_report.wording import ONE_MEMBER, duration, listed

PATIENCE = 3.0
"""Lengths of a round after which a run without a new line counts as silent."""

SHORTEST_SILENCE = 60.0
"""Seconds without a new line that are never remarkable."""


def silence_of(snapshot: Snapshot, progress: Progress, now: float) -> str | None:
    """Return a sentence if the run has written nothing for long.

    Args:
        snapshot: The run at a moment.
        progress: Where the run is.
        now: Seconds since 1970.
    """
    if snapshot.pace is None or snapshot.run.end is not None or progress.is_complete:
        return None
    silent = now - max(snapshot.written, _last_time(snapshot))
    round_seconds = snapshot.pace.whole * snapshot.start.round_length
    if silent <= max(PATIENCE * round_seconds, SHORTEST_SILENCE):
        return None
    return (
        f"the run has written nothing for {duration(silent)}, and a round takes "
        f"{duration(round_seconds)}: has it stopped?"
    )


def concerns_of(snapshot: Snapshot, progress: Progress) -> list[str]:
    """Return sentences about a run that ended early, members that failed, and values at limits.

    Args:
        snapshot: The run at a moment.
        progress: Where the run is.
    """
    start = snapshot.start
    found = []
    if snapshot.run.end is not None and not progress.is_complete:
        found.append("the run ended before its last step; it may be resumed")
    if start.members == 1:
        found.append(ONE_MEMBER)
    if snapshot.rounds:
        last = snapshot.rounds[-1]
        failed = [each.member for each in last if has_failed(each)]
        if failed:
            members, whose = ("members", "their") if len(failed) > 1 else ("member", "its")
            found.append(
                f"{members} {listed(failed)} failed in round {last[0].round}: {whose} "
                f"{snapshot.facts.metric} is not finite"
            )
    if snapshot.genes_at_limit:
        names = listed(snapshot.genes_at_limit)
        found.append(f"at the limit of the range: {names}; a wider range may be better")
    return found


def _last_time(snapshot: Snapshot) -> float:
    return max([snapshot.start.time, *(phase.time for phase in snapshot.run.phases[-1:])])
