"""Texts for people: those of users, which a terminal and a browser only show, and counts."""

from __future__ import annotations

from html import escape


def shown(text: object) -> str:
    """Return a text with the characters escaped that a terminal would act on."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in str(text)
    )


def in_html(text: object) -> str:
    """Return a text as HTML shows it, with the characters written out that do not print."""
    return escape(shown(text))


def counted(count: int, one: str, several: str = "") -> str:
    """Return a count with its noun, such as `"3 runs"`."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
