"""How every benchmark here ends: a readable table, then one line of JSON.

raise SystemExit(report("Fuzzing", rows, figures, [bar("other exceptions", 0, 0)]))
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from operator import le
from typing import Any

PACKAGES = ("clantune-core", "attrs", "cattrs", "pluggy")

Bar = dict[str, Any]


def bar(name: str, value: float, limit: float, holds: Callable[[float, float], bool] = le) -> Bar:
    """Return a figure beside what it must be: at most the limit, unless `holds` says otherwise."""
    return {"name": name, "value": value, "bar": limit, "holds": bool(holds(value, limit))}


def report(
    title: str,
    rows: Sequence[Sequence[object]],
    figures: Mapping[str, Any],
    bars: Sequence[Bar],
    packages: Sequence[str] = PACKAGES,
) -> int:
    """Print the table, the bars, and as the last line the JSON object; return the exit status.

    Args:
        title: What was measured; the first row of the table names its columns.
        rows: Rows of the table, the first one its head. Floats are shown in four digits.
        figures: What was measured, as plain data.
        bars: What `bar` returned. One that does not hold makes the exit status 1.
        packages: Distributions whose versions are part of the result.
    """
    print(f"{title}\n")
    _print_table(rows)
    print()
    _print_table([("bar", "value", "at most", ""), *map(_bar_row, bars)])
    print()
    print(
        json.dumps(
            {
                "title": title,
                "machine": _machine(),
                "versions": {name: version(name) for name in packages},
                "figures": dict(figures),
                "bars": list(bars),
            }
        ),
        flush=True,
    )
    return 0 if all(each["holds"] for each in bars) else 1


def show_progress(done: int, total: int, what: str) -> None:
    """Draw a bar on stderr, if somebody looks at it."""
    if not sys.stderr.isatty():
        return
    filled = 40 * done // total
    end = "\n" if done == total else ""
    sys.stderr.write(f"\r[{'#' * filled}{'.' * (40 - filled)}] {done:,}/{total:,} {what}{end}")
    sys.stderr.flush()


def _machine() -> dict[str, object]:
    return {
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _bar_row(each: Bar) -> tuple[object, ...]:
    return (each["name"], each["value"], each["bar"], "holds" if each["holds"] else "DOES NOT HOLD")


def _print_table(rows: Sequence[Sequence[object]]) -> None:
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for place, row in enumerate(cells):
        print("  ".join(map(str.ljust, row, widths)).rstrip())
        if place == 0:
            print("  ".join("-" * width for width in widths))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
