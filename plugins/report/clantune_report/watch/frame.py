"""A frame: all lines of the view at a moment, for a size of the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from clantune_report.watch.body import body_of
from clantune_report.watch.concerns import concerns_of, metric_name, silence_of
from clantune_report.watch.descent import descent_of
from clantune_report.watch.facts import Facts
from clantune_report.watch.heading import heading, state_of
from clantune_report.watch.paper import Paper
from clantune_report.watch.progress import progress_of
from clantune_report.watch.wording import value

LABEL = 9
"""Characters of the names of the notes."""


def frame(facts: Facts, now: float, paper: Paper) -> list[Text]:
    """Return the lines of a frame.

    Args:
        facts: What the file of the run says.
        now: Seconds since 1970.
        paper: What the frame is drawn on.
    """
    progress = progress_of(facts.run, facts.pace, now)
    silence = silence_of(facts, progress, now)
    concerns = [*([silence] if silence else []), *concerns_of(facts, progress)]
    state = state_of(facts, progress, now, is_silent=silence is not None)
    top = heading(facts, progress, state, paper)
    bottom = [*_warnings(concerns, paper), *_notes(facts, paper)]
    room = None if paper.height is None else paper.height - len(top) - len(bottom) - 2
    body = body_of(facts, progress, room, paper)
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


def _notes(facts: Facts, paper: Paper) -> list[Text]:
    """Return the lines below the table, each with its name."""
    lines = []
    for name, text in _named(facts):
        for place, line in enumerate(paper.wrapped(text, margin=LABEL)[:2]):
            lines.append(Text.assemble((f"{'' if place else name:{LABEL}}", "bold"), line))
    return lines


def _named(facts: Facts) -> list[tuple[str, str]]:
    """Return the notes: the best weights, their descent, and the genes that do not change."""
    found = []
    if facts.winner is not None:
        by = "centre" if facts.winner.member is None else f"member {facts.winner.member}"
        number = facts.rounds[facts.winner.place][0].round
        metric = f"{metric_name(facts.run.start)} {value(facts.winner.metric, 4)}"
        found.append(("best", f"{metric}, {by}, round {number}"))
    if facts.run.rounds:
        last = facts.run.rounds[-1]
        found.append(("weights", f"after round {last[0].round}: {descent_of(last)}"))
    if facts.rounds and facts.fixed_genes:
        values = facts.rounds[-1][0].genes
        found.append(
            ("fixed", ", ".join(f"{name} {value(values[name])}" for name in facts.fixed_genes))
        )
    return found


def _cropped(lines: Sequence[Text], paper: Paper) -> list[Text]:
    """Return the lines without what is outside of the paper."""
    kept = lines if paper.height is None else lines[: paper.height]
    for line in kept:
        line.truncate(paper.width)
    return [*kept]
