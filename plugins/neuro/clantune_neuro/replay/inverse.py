"""The inverse of a step that keeps the norm: a utility for other programs.

Replay needs no inverse, because a nursery keeps what genes begin from. In floats, the inverse of a
normalised sum is never exact to the bit.
"""

from __future__ import annotations

import torch

from clantune_neuro.errors import NeuroError


def sign_bit(before: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Return the bit that `invert` needs if the noise is longer than 1, for vectors p and n.

    It says whether p.n + 1 is negative, where |p| = 1. It is never set while |n| <= 1.

    Args:
        before: Vectors of norm 1, in the last dimension.
        noise: The noise that is added to them.
    """
    return (before * noise).sum(-1) + 1 < 0


def invert(
    after: torch.Tensor, noise: torch.Tensor, bit: torch.Tensor | None = None
) -> torch.Tensor:
    """Return p from q = (p + n) / |p + n|, where |p| = 1.

    With s = |p + n| it is p = s q - n, and s = q.n + sqrt((q.n)^2 + 1 - |n|^2), with the other sign
    of the root where the bit is set.

    Args:
        after: The vectors q, in the last dimension, as floats.
        noise: The vectors n.
        bit: What `sign_bit` returned. None stands for bits that are not set, which is right if
            |n| <= 1.

    Raises:
        NeuroError: No vector of norm 1 leads to `after` with this noise.
    """
    along = (after * noise).sum(-1, keepdim=True)
    square = along.square() + 1 - noise.square().sum(-1, keepdim=True)
    if bool((square < -1e-6).any()):
        raise NeuroError(
            "there is no vector of norm 1 whose sum with the noise has this direction; pass the "
            "noise of the gene that led here"
        )
    root = square.clamp(min=0).sqrt()
    signed = root if bit is None else torch.where(bit.unsqueeze(-1), -root, root)
    return (along + signed) * after - noise
