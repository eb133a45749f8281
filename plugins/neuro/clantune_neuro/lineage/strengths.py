"""The strengths of new genes, and those that a tensor can represent."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from clantune_neuro.errors import StrengthError
from clantune_neuro.lineage.gene import OCTAVE, strength_number
from clantune_neuro.lineage.tensors import TensorSpec
from clantune_neuro.noise.shapes import TABLE_BITS

STRENGTHS = (2.0**-20, 4.0)
"""The lowest and the highest strength of new genes: the domain of their allele."""

POWER_BITS = 20
"""Tables of powers of two count in units of 2^-20."""

LARGEST_SHIFT = 62
"""The largest shift of an integer of 64 bits to the right that keeps a bit."""

SMALLEST_SHIFT = 18
"""With a smaller shift, a step could have 2^30 units: a table times a power has less than 2^48."""


def shift_at_1(unit: int, scale: int) -> int:
    """Return the number of bits by which a table times a power is shifted right at strength 1."""
    return TABLE_BITS + POWER_BITS - unit - scale


def octaves(unit: int, scale: int) -> range:
    """Return each exponent e for which a tensor can represent strengths from 2^e to 2^(e + 1)."""
    most = shift_at_1(unit, scale)
    return range(most - LARGEST_SHIFT, most - SMALLEST_SHIFT + 1)


def require_strength(strength: Any, tensors: Iterable[TensorSpec]) -> None:
    """Check that genes can begin with a strength.

    Args:
        strength: The strength.
        tensors: The tensors, which must all be able to represent it.

    Raises:
        StrengthError: It is not usable; the error says which strengths are.
    """
    low, high = STRENGTHS
    if not isinstance(strength, int | float) or not low <= strength <= high:
        raise StrengthError(
            f"the strength {strength!r} is not usable; use a number from 2^-20 to 4, such as 0.02",
            strength=strength,
        )
    for spec in tensors:
        usable = octaves(spec.unit, spec.scale)
        if strength_number(strength) // OCTAVE not in usable:
            raise StrengthError(
                f"the strength {strength:.6g} is not usable for {spec.name!r}, whose unit is "
                f"2^-{spec.unit} and whose scale is 2^{spec.scale}; use a strength from "
                f"{max(low, 2.0**usable.start):.6g} to below {min(high, 2.0**usable.stop):.6g}, or "
                "another unit or scale in Blueprint.of",
                strength=strength,
                tensor=spec.name,
            )


def require_births(tensors: Collection[TensorSpec]) -> None:
    """Check that a seed can draw the tensors at birth, unless they are given.

    Raises:
        StrengthError: The weights of a tensor are too large or too small for its unit.
    """
    if any(spec.birth.kind == "given" for spec in tensors):
        return
    for spec in tensors:
        usable = octaves(spec.unit, scale=0)
        drawn = spec.birth.kind in ("normal", "unit")
        if drawn and spec.birth.number // OCTAVE not in usable:
            size = 2.0 ** (spec.birth.number / OCTAVE)
            raise StrengthError(
                f"{spec.name!r} has the standard deviation {size:.6g} at birth, and its unit "
                f"2^-{spec.unit} allows one from {2.0**usable.start:.6g} to below "
                f"{2.0**usable.stop:.6g}; choose another unit or births={{...}} in Blueprint.of",
                strength=size,
                tensor=spec.name,
            )
