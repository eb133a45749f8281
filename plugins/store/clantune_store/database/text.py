"""Texts that every database can hold."""

from __future__ import annotations

from clantune_store.errors import StoreError


def require_text(text: str, what: str, kind: type[StoreError] = StoreError) -> str:
    """Return a text if SQLite and PostgreSQL can hold it.

    Args:
        text: Text of a user.
        what: Description of it, for the message.
        kind: Class of the error.

    Raises:
        StoreError: It has the character NUL, or bytes that are not text in UTF-8.
    """
    if "\0" in text or text != readable(text):
        raise kind(f"{what} has characters that a database cannot hold: {text!r}")
    return text


def readable(text: str) -> str:
    """Return a text in which what is not a character in UTF-8 is written out as an escape."""
    return text.encode("utf-8", "backslashreplace").decode()
