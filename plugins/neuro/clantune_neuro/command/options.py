"""Arguments that several verbs have."""

from __future__ import annotations

import argparse


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`, which every verb has."""
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object, for other programs"
    )


def count(text: str) -> int:
    """Return an integer of 1 or more, as the type of an argument."""
    number = whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return number


def whole(text: str) -> int:
    """Return an integer of 0 or more, as the type of an argument. It may have `_` or `,`."""
    digits = text.replace(",", "").replace("_", "")
    if not digits.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of 0 or more")
    return int(digits)


def positive(text: str) -> float:
    """Return a number above 0, as the type of an argument."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number
