"""The one JSON text of a value, and the ids that follow from it."""

from __future__ import annotations

import json
import uuid

NAMESPACE = uuid.UUID("7b0a3f4e-6a52-5c52-9d1c-5d0f6c1f0b6e")
"""Namespace of the ids that follow from content, so that two machines give the same ids."""


def canonical(value: object) -> str:
    """Return the JSON text of plain data: equal data has the same text.

    Raises:
        ValueError: The data is not finite, or not JSON.
        TypeError: The data is not JSON.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def id_of(text: str) -> uuid.UUID:
    """Return the id of a content."""
    return uuid.uuid5(NAMESPACE, text)
