"""Texts of users, written so that a terminal and a browser only show them."""

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
