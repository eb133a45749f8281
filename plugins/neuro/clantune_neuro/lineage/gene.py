"""One gene of a lineage: 12 bytes, written as 16 characters."""

from __future__ import annotations

import base64
import math
import struct
from typing import Self

import attrs

from clantune_neuro.errors import LineageError, StrengthError

RECORD = struct.Struct("<BBhQ")
"""A gene in bytes: operator, argument, strength and seed, little-endian."""

CHARACTERS = 16
"""Length of a gene in text: base64 of its 12 bytes, without padding."""

OCTAVE = 64
"""A strength number n means 2^(n / 64)."""

BIRTH = 0
"""Operator number of a birth from a seed."""

GIVEN = 1
"""Operator number of the four records that spell the SHA-256 of given weights."""

FIRST_OPERATOR = 2
"""Number of the first operator in a blueprint's table."""

_LIMITS = {
    "operator": (0, 255),
    "argument": (0, 255),
    "strength": (-(2**15), 2**15 - 1),
    "seed": (0, 2**64 - 1),
}


@attrs.frozen
class Gene:
    """What one gene says.

    Attributes:
        operator: Number of the operator in the blueprint's table; 0 and 1 are births.
        argument: A number from 0 to 255, whose meaning the operator defines.
        strength: A number n from -32,768 to 32,767, which means 2^(n / 64).
        seed: Seed of the gene's noise, from 0 to 2^64 - 1.
    """

    operator: int
    argument: int = 0
    strength: int = 0
    seed: int = 0

    def __attrs_post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int):
                raise LineageError(f"the {name} of a gene must be an integer; got {number!r}")
            if not low <= number <= high:
                raise LineageError(
                    f"the {name} of a gene must be from {low} to {high}; got {number}"
                )

    @classmethod
    def unpack(cls, record: bytes) -> Self:
        """Return the gene in 12 bytes."""
        return cls(*RECORD.unpack(record))

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Return the gene in 16 characters."""
        return cls.unpack(base64.b64decode(text))

    @property
    def record(self) -> bytes:
        """The 12 bytes of this gene."""
        return RECORD.pack(self.operator, self.argument, self.strength, self.seed)

    @property
    def text(self) -> str:
        """The 16 characters of this gene."""
        return base64.b64encode(self.record).decode()


def strength_number(strength: float) -> int:
    """Return the number n for which 2^(n / 64) is nearest to a strength.

    Raises:
        StrengthError: The strength is not a number above 0 that a gene can hold.
    """
    low, high = _LIMITS["strength"]
    if math.isfinite(strength) and strength > 0:
        number = round(OCTAVE * math.log2(strength))
        if low <= number <= high:
            return number
    raise StrengthError(
        f"the strength {strength} is not usable; use a number from 2^-512 to 2^511, such as 0.02",
        strength=strength,
    )
