"""Where a run is: its round, phase and step, and the time that is left."""

from __future__ import annotations

import attrs

from clantune_clan.records import PhaseStart, RunFile
from clantune_clan.schedule import Mode, Round, Schedule
from clantune_report.watch.pace import Pace


@attrs.frozen(kw_only=True)
class Progress:
    """Where a run is at a moment.

    Attributes:
        round: Current round, or the one that would follow.
        phase: Phase of the members; None between two rounds.
        rounds_done: Number of complete rounds, without those of calibration.
        total_rounds: Number of rounds of the run; None if its length is unknown.
        is_calibrating: Whether the round belongs to the search for the learning rate.
        is_complete: Whether all steps are done; for a run of unknown length, whether it has ended.
        step: Steps that are done, at the pace of the latest rounds.
        is_estimated: Whether the step is an estimate.
        total_steps: Steps of the run; None if its length is unknown.
        seconds_left: Seconds to the end of the run, or of the round if the length of the run is
            unknown; None if no pace is known.
    """

    round: Round
    phase: Mode | None
    rounds_done: int
    total_rounds: int | None
    is_calibrating: bool
    is_complete: bool
    step: int
    is_estimated: bool
    total_steps: int | None
    seconds_left: float | None

    @property
    def share(self) -> float:
        """Share of the run that is done, or of the round if the length of the run is unknown."""
        if self.total_steps is not None:
            return min(1.0, self.step / self.total_steps)
        return min(1.0, (self.step - self.round.start) / self.round.length)


def progress_of(run: RunFile, pace: Pace | None, now: float) -> Progress:
    """Return where a run is.

    Args:
        run: Content of its file.
        pace: Pace of the latest rounds; None if no round is over.
        now: Seconds since 1970.
    """
    schedule, total = _schedule(run), run.start.total_steps
    phase, known = _phase(run), _known_step(run)
    current = schedule.round_at(known if total is None else min(known, total - 1))
    step = known
    if phase is not None and pace is not None and run.end is None:
        passed = max(0.0, now - phase.time) / pace.training
        step = int(min(_end_of(phase, current), phase.step + passed))
    end = current.start + current.length if total is None else total
    return Progress(
        round=attrs.evolve(current, number=run.rounds[-1][0].round + 1 if run.rounds else 0),
        phase=None if phase is None else phase.mode,
        rounds_done=sum(not records[0].calibration for records in run.rounds),
        total_rounds=_total_rounds(schedule),
        is_calibrating=known < sum(schedule.calibration),
        is_complete=run.end is not None if total is None else known >= total,
        step=step,
        is_estimated=step > known,
        total_steps=total,
        seconds_left=None if pace is None else max(0, end - step) * pace.whole,
    )


def _schedule(run: RunFile) -> Schedule:
    """Return the schedule of a run, with one round for all of calibration."""
    start = run.start
    return Schedule(
        start.round_length,
        start.duty_cycle,
        total_steps=start.total_steps,
        calibration=(start.ramp.start,) if start.ramp.start else (),
    )


def _end_of_rounds(run: RunFile) -> int:
    return run.rounds[-1][0].start + run.rounds[-1][0].steps if run.rounds else 0


def _phase(run: RunFile) -> PhaseStart | None:
    """Return the phase that the members are in; None if its round is over."""
    last = run.phases[-1] if run.phases else None
    if last is None or last.step < _end_of_rounds(run) or last.time < run.start.time:
        return None
    return last


def _known_step(run: RunFile) -> int:
    return max(run.start.step, _end_of_rounds(run), *(phase.step for phase in run.phases[-1:]), 0)


def _total_rounds(schedule: Schedule) -> int | None:
    """Return the number of rounds without those of calibration; None if it is unknown."""
    if schedule.total_steps is None:
        return None
    return schedule.round_at(schedule.total_steps - 1).number + 1 - len(schedule.calibration)


def _end_of(phase: PhaseStart, current: Round) -> int:
    """Return the step at which a phase ends."""
    cooperates = phase.mode == "cooperative"
    return current.start + (current.cooperative_steps if cooperates else current.length)
