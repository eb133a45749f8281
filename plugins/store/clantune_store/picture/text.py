"""Texts of users in HTML and in charts: shown, never run."""

from __future__ import annotations

from html import escape
from typing import Any

from clantune_store.database.canonical import canonical
from clantune_store.printable import in_html, shown

LONGEST = 28
"""Characters of a label in a chart."""


def lines_in_html(text: str) -> str:
    """Return a text of several lines as HTML shows it."""
    return "\n".join(in_html(line.rstrip()) for line in text.splitlines())


def in_chart(text: object, longest: int = LONGEST) -> str:
    """Return a label of a chart; its library reads tags and entities in labels, as HTML does."""
    return escape(shortened(shown(text), longest), quote=False)


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return a text with its middle left out if it is longer."""
    if len(text) <= longest:
        return text
    end = (longest - 1) // 2
    return f"{text[: longest - 1 - end]}…{text[-end:]}"


def value_text(value: Any) -> str:
    """Return a value of a parameter or a result in a few characters."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else canonical(value)


def dotted(name: str) -> str:
    """Return the full name of a parameter as programs write it."""
    return name.replace("__", ".")
