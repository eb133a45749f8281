"""What a message says instead of a name that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN = 8
"""Names that a message shows if none is near."""


def instead(name: str, known: Iterable[str], what: str) -> str:
    """Return the end of a message: the nearest known names, or the first of them.

    Args:
        name: Name that is not known.
        known: Names that are.
        what: What they are, in the plural, such as `"data sets"`.
    """
    names = sorted({*known})
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        return f"; the nearest {'is' if len(near) == 1 else 'are'} {_listed(near)}"
    if not names:
        return f"; there are no {what}"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"; there are the {what} {_listed(names[:SHOWN])}{more}"


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names))
