"""What the command prints: tables, JSON and complaints. Texts of users stay texts."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

import click

from clantune_store.printable import shown


def say(text: object) -> None:
    """Print one line."""
    click.echo(shown(text))


def complain(text: object) -> None:
    """Print one line to the stream of errors."""
    click.echo(shown(text), err=True)


def say_json(data: object) -> None:
    """Print data as JSON. It has only ASCII, so a terminal shows it as it is."""
    click.echo(json.dumps(data, indent=2, default=str))


def say_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table: with lines and colours on a terminal, in plain columns otherwise."""
    cells = [["" if cell is None else shown(cell) for cell in row] for row in rows]
    names = [*map(shown, headings)]
    if sys.stdout.isatty():
        _draw(names, cells)
        return
    lines = [names, *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(map(str.ljust, line, widths)).rstrip())


def _draw(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich import box  # noqa: PLC0415  (imported when drawn)
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, header_style="bold")
    for name in headings:
        table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # `Text` has no markup
    Console(highlight=False).print(table)


def number(value: Any) -> str:
    """Return a number in a few digits, or another value as JSON."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return json.dumps(value, ensure_ascii=False)


def moment(seconds: float | None) -> str:
    """Return seconds since 1970 as date and time of this machine."""
    if seconds is None:
        return ""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
