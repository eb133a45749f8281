"""The weighted mean of several parents, from messages that hold it part by part."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from clantune_clan.inheritance.pieces import Part, seen_as


def has_mean(dtype: torch.dtype) -> bool:
    """Whether values of a type are averaged; others come from the first parent."""
    return dtype.is_floating_point or dtype.is_complex


def mean(
    part: Part,
    dtype: torch.dtype,
    messages: Sequence[Tensor],
    weights: Sequence[float],
    result: Tensor,
) -> None:
    """Put the mean of what messages hold of a part into one of them, the first parent's.

    Weights are relative to the greatest, so that those of equals are 1, and their sum is exact.
    """
    if not has_mean(dtype):
        return
    total = torch.zeros((), dtype=wide_type(dtype))
    for message, weight in zip(messages, weights, strict=True):
        total = total + seen_as(message, part, dtype).to(total.dtype) * weight
    seen_as(result, part, dtype).copy_(total / sum(weights))


def wide_type(dtype: torch.dtype) -> torch.dtype:
    """Return the type in which values of a type are added up."""
    return torch.promote_types(
        dtype if dtype.itemsize > 1 else torch.float32,  # nothing is promoted from 8 bits
        torch.complex64 if dtype.is_complex else torch.float32,
    )
