"""What failed, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clantune_store.database.canonical import canonical
from clantune_store.picture.facts import Facts
from clantune_store.picture.text import lines_in_html
from clantune_store.printable import counted, in_html
from clantune_store.runs.listing import Run

KINDS = 12
"""Kinds of failures that are shown, the commonest first."""

LINES, CHARACTERS = 15, 2000
"""How much of the end of a note is shown."""

NAMES = 5


def failures(facts: Facts) -> str:
    """Return the section: a failure of each kind, with the end of its note."""
    title = "<h2>What failed, and why</h2>"
    if not facts.failed:
        return f"{title}<p>No run has failed.</p>"
    kinds: dict[str, list[Run]] = {}
    for run in facts.failed:
        kinds.setdefault(_kind(run), []).append(run)
    ordered = sorted(kinds.values(), key=lambda runs: (-len(runs), runs[0].number))
    stale = facts.states.get("stale", 0)
    dead = f", {stale} of them because the process ended without a word" if stale else ""
    more = len(ordered) - KINDS
    parts = [title, f"<p>{counted(len(facts.failed), 'run')} failed{dead}.</p>"]
    parts += map(_shown, ordered[:KINDS])
    if more > 0:
        parts.append(f"<p>{counted(more, 'more kind')} of failures not shown.</p>")
    return "\n".join(parts)


def _kind(run: Run) -> str:
    """Return what failures of one kind have in common: the last line, without its numbers."""
    lines = _note(run.note).strip().splitlines()
    return run.state + re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "0", lines[-1] if lines else "")


def _shown(runs: Sequence[Run]) -> str:
    last = runs[-1]
    datasets = [*dict.fromkeys(run.dataset or "no data set" for run in runs)]
    more = f" and {len(datasets) - NAMES} more" if len(datasets) > NAMES else ""
    groups = counted(len({run.group for run in runs}), "group")
    text = _note(last.note).strip()
    end = "\n".join(text.splitlines()[-LINES:])[-CHARACTERS:]
    note = f"<pre>{lines_in_html(end)}</pre>" if end else "<p>Nothing is known of it.</p>"
    return (
        f"<section><h3>{counted(len(runs), 'run')} of {groups}</h3>"
        f"<p>On {in_html(', '.join(datasets[:NAMES]))}{more}. The last of them is run "
        f"{last.number}, group {last.group}:</p>{note}</section>"
    )


def _note(note: Mapping[str, Any]) -> str:
    """Return a note as text: its error and the end of a log last, whatever else it has before."""
    return "\n".join(_parts(note))


def _parts(note: Mapping[str, Any]) -> Iterator[str]:
    last = ("log", "error")
    for name in (*sorted(note.keys() - {*last}), *(name for name in last if name in note)):
        value = note[name]
        if value in ("", None, {}, []):
            continue
        text = value if isinstance(value, str) else canonical(value)
        yield text if name in last else f"{name}: {text}"
