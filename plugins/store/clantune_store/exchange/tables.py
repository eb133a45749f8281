"""Tables of runs for other programs: CSV, JSON, Parquet, and a data frame of pandas."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clantune_store.errors import StoreError
from clantune_store.exchange.new_file import new_file
from clantune_store.exchange.wide import Column
from clantune_store.extras import extra
from clantune_store.questions.nearest import instead

if TYPE_CHECKING:
    import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""What a text in CSV must not begin with: a spreadsheet would calculate it."""

TYPES = {
    "whole": "Int64",
    "number": "float64",
    "truth": "boolean",
    "text": "string",
    "time": "datetime64[us, UTC]",
}
"""Types of pandas. All but `float64`, in which it is NaN, tell a missing value from others."""


def write_table(columns: Sequence[Column], where: str, *, force: bool = False) -> None:
    """Write a table to a file, whose ending says how.

    Args:
        columns: Columns, of equal length.
        where: Path that ends in `.csv`, `.json` or `.parquet`.
        force: Whether a file that is there may be replaced.

    Raises:
        StoreError: The ending is not known, the file is there already, or a package is missing.
    """
    write = writer_of(where)
    with new_file(where, force=force) as path:
        write(columns, path)


def writer_of(where: str) -> Callable[[Sequence[Column], Path], None]:
    """Return what writes a table to a file of this name.

    Raises:
        StoreError: The ending is not known.
    """
    ending = os.path.splitext(where)[1].lower()
    if ending not in WRITERS:
        unknown = f"the ending {ending!r} of {where!r} is not known"
        said = (
            unknown + instead(ending, WRITERS, "endings") if ending else f"{where!r} has no ending"
        )
        raise StoreError(f"{said}; give FILE.csv, FILE.json, FILE.parquet or optuna:URL")
    return WRITERS[ending]


def frame(columns: Sequence[Column]) -> pd.DataFrame:
    """Return a table as a data frame of pandas."""
    pandas = extra("pandas", "tables")
    held = {each.name: pandas.array(each.values, dtype=TYPES[each.kind]) for each in columns}
    return pandas.DataFrame(held)


def _write_csv(columns: Sequence[Column], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([_inert(each.name) for each in columns])
        writer.writerows(zip(*map(_cells, columns), strict=True))


def _cells(column: Column) -> Iterator[Any]:
    for value in column.values:
        if isinstance(value, str):
            yield _inert(value)
        else:
            yield _plain(value)


def _inert(text: str) -> str:
    """Return a text that a spreadsheet shows; one `'` more at its begin is not part of it."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _write_json(columns: Sequence[Column], path: Path) -> None:
    names = [each.name for each in columns]
    rows = zip(*(map(_in_json, each.values) for each in columns), strict=True)
    records = [dict(zip(names, row, strict=True)) for row in rows]
    path.write_text(json.dumps(records, indent=2, allow_nan=False) + "\n", "utf-8")


def _in_json(value: Any) -> Any:
    """Return a value as JSON has it; numbers that are not finite are texts, as in a store."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return _plain(value)


def _plain(value: Any) -> Any:
    """Return the moment of a time as a text."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def _write_parquet(columns: Sequence[Column], path: Path) -> None:
    table = frame(columns)
    extra("pyarrow", "tables")
    table.to_parquet(path, engine="pyarrow", index=False)


WRITERS: dict[str, Callable[[Sequence[Column], Path], None]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".parquet": _write_parquet,
}
"""Writers by the ending of a file."""
