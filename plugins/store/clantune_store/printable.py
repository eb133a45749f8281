"""Texts of users, written so that a terminal and a browser only show them."""

from __future__ import annotations


def shown(text: object) -> str:
    """Return a text with the characters escaped that a terminal would act on."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in str(text)
    )
