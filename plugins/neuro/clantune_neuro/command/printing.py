"""What verbs print: reports as tables or as JSON, and progress on a terminal."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clantune_neuro.gates import Report


def show(report: Report, *, as_json: bool) -> int:
    """Print a report, and return the exit status: 0 if every gate holds, 1 otherwise."""
    print(json.dumps(report.to_plain(), allow_nan=False) if as_json else report, flush=True)
    return 0 if report.holds else 1


def show_progress(done: int, total: int) -> None:
    """Draw on the terminal how much is done, in place of what was drawn before.

    Where the stream of errors is not a terminal, nothing is drawn. At the end the line is cleared.
    """
    if not sys.stderr.isatty():
        return
    filled = 40 * done // max(total, 1)
    bar = f"[{'#' * filled}{'.' * (40 - filled)}] {done:,} of {total:,}"
    sys.stderr.write("\r\x1b[K" if done >= total else f"\r{bar}")
    sys.stderr.flush()
