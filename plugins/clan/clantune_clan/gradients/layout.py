"""The division of gradients into buckets."""

from __future__ import annotations

from collections.abc import Sequence

from torch.nn import Parameter

from clantune_clan.errors import GradientError
from clantune_clan.gradients.bucket import Bucket

FIRST = 2**20
"""Size of the first bucket in bytes. It is small, so that adding up begins early."""

OTHERS = 25 * 2**20
"""Size of the other buckets in bytes. They are large, so that ranks send few messages."""


def buckets_of(parameters: Sequence[Parameter], *, overlap: bool) -> list[Bucket]:
    """Return buckets for parameters, in the order in which they are added up.

    Args:
        parameters: Parameters that require gradients.
        overlap: Whether ranks add up the first buckets while they wait for other gradients. If
            not, there is one bucket for each type and device.
    """
    together: dict[object, list[Parameter]] = {}
    for parameter in parameters:
        if not parameter.is_floating_point():
            raise GradientError(
                f"gradients of {parameter.dtype} cannot be averaged; give parameters real "
                "floating-point types"
            )
        together.setdefault((parameter.dtype, parameter.device), []).append(parameter)
    buckets = []
    for alike in together.values():
        # The last parameters get their gradients first.
        parts = _cut(alike[::-1]) if overlap else [alike]
        buckets += [Bucket(part) for part in parts]
    return buckets


def _cut(parameters: Sequence[Parameter]) -> list[list[Parameter]]:
    parts: list[list[Parameter]] = [[]]
    room = FIRST
    for parameter in parameters:
        if room <= 0:
            parts.append([])
            room = OTHERS
        parts[-1].append(parameter)
        room -= parameter.numel() * parameter.element_size()
    return parts
