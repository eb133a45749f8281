"""The form of a lineage's text, checked block by block so that a long text needs little memory."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clantune_neuro.errors import LineageError
from clantune_neuro.lineage.gene import BIRTH, CHARACTERS, GIVEN

GIVEN_RECORDS = 4
"""Number of records of a birth from given weights: their seeds spell a SHA-256."""

BLOCK = 4096
"""Number of genes that are decoded together."""

FIELDS = np.dtype([("operator", "u1"), ("argument", "u1"), ("strength", "<i2"), ("seed", "<u8")])
"""The fields of a gene in an array, in the bytes of a record."""


def blocks(text: str, start: int = 0) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield the genes of a text from a number on, in blocks: the first number, and an array.

    Raises:
        LineageError: A gene is not the base64 of 12 bytes.
    """
    for first in range(start, len(text) // CHARACTERS, BLOCK):
        part = text[first * CHARACTERS : (first + BLOCK) * CHARACTERS]
        yield first, _decoded(part, first)


def require_form(text: object) -> None:
    """Check that a text is a birth and the genes after it.

    Raises:
        LineageError: It is not; the error names the gene.
    """
    if not isinstance(text, str):
        raise LineageError(f"a lineage is a text; got a {type(text).__name__}")
    if not text:
        raise LineageError("a lineage needs a birth; the text is empty")
    if len(text) % CHARACTERS:
        raise LineageError(
            f"the text is cut short: its length {len(text)} is not a multiple of {CHARACTERS}",
            gene=len(text) // CHARACTERS,
        )
    for first, records in blocks(text):
        length = _require_birth(records) if first == 0 else 0
        (later,) = np.nonzero(records["operator"][length:] <= GIVEN)
        if later.size:
            number = first + length + int(later[0])
            raise LineageError("a birth in the middle of a lineage", gene=number)


def _decoded(text: str, first: int) -> NDArray[Any]:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) * 4 == len(text) * 3:  # there is no padding
        return np.frombuffer(data, dtype=FIELDS)
    wrong = re.search("[^A-Za-z0-9+/]", text)
    place = wrong.start() // CHARACTERS if wrong else 0
    part = text[place * CHARACTERS : (place + 1) * CHARACTERS]
    raise LineageError(f"{part!r} is not the base64 of 12 bytes", gene=first + place)


def _require_birth(records: NDArray[Any]) -> int:
    """Check that the first records are one complete birth, and return their number."""
    operator = int(records["operator"][0])
    if operator not in (BIRTH, GIVEN):
        raise LineageError(f"a lineage begins with a birth, not operator {operator}", gene=0)
    length = GIVEN_RECORDS if operator == GIVEN else 1
    for number in range(length):
        found = records[number].tolist()[:3] if number < len(records) else None
        if found != (operator, number, 0):
            raise LineageError(
                "a birth has one record of operator 0, or four of operator 1 with the arguments 0 "
                "to 3, all of strength number 0",
                gene=number,
            )
    return length
