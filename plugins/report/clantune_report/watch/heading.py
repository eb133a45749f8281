"""The first lines of a frame: which run it is, how far it is, and how long it will take."""

from __future__ import annotations

from rich.text import Text

from clantune_clan.records import RunFile, RunStart
from clantune_report.watch.paper import Paper
from clantune_report.watch.progress import Progress
from clantune_report.watch.snapshot import Snapshot
from clantune_report.wording import counted, duration

PHASES = {"cooperative": ": cooperation", "competitive": ": competition", None: " begins"}
SILENT = "silent"


def state_of(snapshot: Snapshot, progress: Progress, now: float, *, is_silent: bool) -> str:
    """Return in a few words whether the run is under way.

    Args:
        snapshot: The run at a moment.
        progress: Where the run is.
        now: Seconds since 1970.
        is_silent: Whether the run has written nothing for long.
    """
    began, end = snapshot.start.time, snapshot.run.end
    if progress.is_complete:
        return f"finished after {duration((snapshot.written if end is None else end.time) - began)}"
    if end is not None:
        return f"ended at step {progress.step} of {progress.total_steps}"
    return SILENT if is_silent else f"running for {duration(now - began)}"


def heading(snapshot: Snapshot, progress: Progress, state: str, paper: Paper) -> list[Text]:
    """Return the lines above the table.

    Args:
        snapshot: The run at a moment.
        progress: Where the run is.
        state: Whether it is under way, from `state_of`.
        paper: What the frame is drawn on.
    """
    is_over = snapshot.run.end is not None or progress.is_complete
    left = "" if is_over or state == SILENT else _time_left(progress)
    return [
        _title(snapshot.run, state, paper),
        *map(Text, paper.wrapped(_settings(snapshot.start))),
        *map(Text, paper.wrapped(_place(progress, is_over=is_over))),
        _bar(progress, left, paper),
    ]


def _title(run: RunFile, state: str, paper: Paper) -> Text:
    """Return the file on the left and the state on the right."""
    room = max(8, paper.width - len(state) - 2)
    path = paper.glyphs.clean(str(run.path))
    if len(path) > room:
        path = paper.glyphs.more + path[len(path) - room + 1 :]
    return Text.assemble((f"{path:{room}}", "bold"), "  ", state)


def _settings(start: RunStart) -> str:
    members = counted(start.members, "member")
    if start.ranks != start.members:
        members += f" on {start.ranks} ranks"
    presets = [f"presets {' '.join(start.presets)}"] if start.presets else []
    resumed = [f"resumed at step {start.step}"] if start.step else []
    rounds = f"rounds of {counted(start.round_length, 'step')}"
    parts = [start.recipe, members, f"{start.inheritance} weights", rounds, *presets, *resumed]
    return ", ".join(parts)


def _place(progress: Progress, *, is_over: bool) -> str:
    """Return round, phase and step."""
    about = "about " if progress.is_estimated else ""
    total = "" if progress.total_steps is None else f" of {progress.total_steps}"
    rounds = "" if progress.total_rounds is None else f" of {progress.total_rounds}"
    parts = [f"{progress.rounds_done}{rounds} rounds done", f"step {about}{progress.step}{total}"]
    if not is_over:
        kind = "calibration round" if progress.is_calibrating else "round"
        parts.insert(0, f"{kind} {progress.round.number}{PHASES[progress.phase]}")
    return ", ".join(parts)


def _time_left(progress: Progress) -> str:
    if progress.seconds_left is None:
        return ", time left: known after a round"
    return f", {duration(progress.seconds_left)} left"


def _bar(progress: Progress, left: str, paper: Paper) -> Text:
    """Return a bar with the share that is done, and the time that is left."""
    of = "" if progress.total_steps is not None else " of the round"
    after = f" {progress.share:4.0%}{of}{left}"
    room = max(1, paper.width - len(after))
    done = int(progress.share * room)
    bar = paper.glyphs
    return Text.assemble((bar.done * done, "green"), bar.left * (room - done), after)
