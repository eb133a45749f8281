"""A frame: all lines of the view at a moment, for a size of the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from clantune_report.watch.body import body_of
from clantune_report.watch.columns import DIGITS
from clantune_report.watch.concerns import concerns_of, silence_of
from clantune_report.watch.descent import descent_of
from clantune_report.watch.heading import heading, state_of
from clantune_report.watch.paper import Paper
from clantune_report.watch.progress import progress_of
from clantune_report.watch.snapshot import Snapshot
from clantune_report.wording import metric, number

LABEL = 9
"""Characters of the names of the notes."""


def frame(snapshot: Snapshot, now: float, paper: Paper) -> list[Text]:
    """Return the lines of a frame.

    Args:
        snapshot: The run at a moment.
        now: Seconds since 1970.
        paper: What the frame is drawn on.
    """
    progress = progress_of(snapshot.run, snapshot.pace, now)
    silence = silence_of(snapshot, progress, now)
    concerns = [*([silence] if silence else []), *concerns_of(snapshot, progress)]
    state = state_of(snapshot, progress, now, is_silent=silence is not None)
    top = heading(snapshot, progress, state, paper)
    bottom = [*_warnings(concerns, paper), *_notes(snapshot, paper)]
    room = None if paper.height is None else paper.height - len(top) - len(bottom) - 2
    body = body_of(snapshot, progress, room, paper)
    lines = [*top, Text(), *body, Text(), *bottom] if body else [*top, Text(), *bottom]
    return _cropped(lines, paper)


def message(text: str, paper: Paper) -> list[Text]:
    """Return a frame that has a message only."""
    return _cropped([Text(line) for line in paper.wrapped(text)], paper)


def _warnings(concerns: Sequence[str], paper: Paper) -> list[Text]:
    return [
        Text(line, style="red")
        for concern in concerns
        for line in paper.wrapped(f"! {concern}", indent="  ")
    ]


def _notes(snapshot: Snapshot, paper: Paper) -> list[Text]:
    """Return the lines below the table, each with its name."""
    lines = []
    for name, parts, separator in _named(snapshot):
        for place, line in enumerate(_in_two_lines(parts, separator, paper)):
            lines.append(Text.assemble((f"{'' if place else name:{LABEL}}", "bold"), line))
    return lines


def _in_two_lines(parts: Sequence[str], separator: str, paper: Paper) -> list[str]:
    """Return a note in two lines at most: as many parts as fit, and how many more there are."""
    for left_out in range(len(parts)):
        more = [f"and {left_out} more"] if left_out else []
        text = separator.join([*parts[: len(parts) - left_out], *more])
        lines = paper.wrapped(text, margin=LABEL)
        if len(lines) <= 2:
            return lines
    return [lines[0], lines[1][:-1] + paper.glyphs.more]


def _named(snapshot: Snapshot) -> list[tuple[str, list[str], str]]:
    """Return the notes, each with its name, its parts, and what separates them.

    They are the best weights, the descent of the weights, and the genes that do not change.
    """
    found = []
    winner = snapshot.facts.winner
    if winner is not None:
        by = "centre" if winner.member is None else f"member {winner.member}"
        round_ = snapshot.rounds[winner.place][0].round
        best = [f"{snapshot.facts.metric} {metric(winner.metric)}", by, f"round {round_}"]
        found.append(("best", best, ", "))
    if snapshot.run.rounds:
        last = snapshot.run.rounds[-1]
        first, *others = descent_of(last)
        found.append(("weights", [f"after round {last[0].round}: {first}", *others], "; "))
    if snapshot.rounds and snapshot.fixed_genes:
        values = snapshot.rounds[-1][0].genes
        fixed = [f"{name} {number(values[name], DIGITS)}" for name in snapshot.fixed_genes]
        found.append(("fixed", fixed, ", "))
    return found


def _cropped(lines: Sequence[Text], paper: Paper) -> list[Text]:
    """Return the lines without what is outside of the paper."""
    kept = lines if paper.height is None else lines[: paper.height]
    for line in kept:
        line.truncate(paper.width)
    return [*kept]
