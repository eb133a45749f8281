"""Bind one gene to the values at one or several paths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeGuard

import attrs

from clantune_core import AbstractAllele, ClanTuneError
from clantune_core.contracts import Expressed, Role, offsets, trait_at


def bound(
    values: Mapping[str, float], *, evolves: bool = True, role: Role | None = None
) -> AbstractAllele | None:
    """Return one gene for the values at several paths, or None if no value fits its kind.

    The gene gets the first value that fits, and each other path keeps its offset from it. A value
    that does not fit the kind, such as a weight decay of 0 on a logarithmic scale, is left unbound
    and stays as it is.

    Args:
        values: Values of one known setting, by path.
        evolves: False for a gene that does not evolve, whatever the setting says.
        role: Role of the gene.
    """
    trait = trait_at(next(iter(values)))
    allele = None if trait is None else trait.allele(values.values())
    if allele is None:
        return None
    if not evolves:
        allele = attrs.evolve(allele, can_mutate=False, can_crossbreed=False)
    return Expressed(offsets(allele, values), role=role).added_to(allele)


def read_by_name(allele: AbstractAllele, *, role: Role | None = None) -> AbstractAllele:
    """Return the allele of a gene that the training loop reads, and the clan writes nowhere."""
    return Expressed({}, is_patchable=False, role=role).added_to(allele)


def as_number(value: object, preset: str, path: str) -> float:
    """Return a value for a gene as a float; it may be a tensor of one element.

    Raises:
        ClanTuneError: The value is not one finite number.
    """
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        number = math.nan
    if math.isfinite(number):
        return number
    raise ClanTuneError(f"{preset}: {path} is {value!r}; a gene needs one finite number")


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a finite int or float, and not a flag."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
