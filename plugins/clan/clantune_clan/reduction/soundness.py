"""Gradients that are not finite, or of a kind that cannot be averaged."""

from __future__ import annotations

import torch
from torch import Tensor

from clantune_clan.errors import GradientError


def is_finite(gradients: Tensor) -> Tensor:
    """Return whether all numbers of a tensor are finite, on its device."""
    # A sum needs one pass and no mask of the same size. A sum of finite numbers overflows only
    # if they are so large that the step would ruin the weights.
    return torch.isfinite(gradients.sum(dtype=torch.promote_types(gradients.dtype, torch.float32)))


def zero_unless(sound: Tensor, gradients: Tensor) -> None:
    """Set gradients to zero unless they are sound. An accelerator is not waited for."""
    if gradients.device.type != "cpu":
        gradients.masked_fill_(~sound, 0.0)
    elif not sound:
        gradients.zero_()


def require_plain(gradient: Tensor) -> None:
    """Raise an error if a gradient cannot be averaged."""
    if gradient.is_sparse:
        raise GradientError(
            "sparse gradients cannot be averaged; make the embedding with sparse=False"
        )
    if gradient.requires_grad:
        raise GradientError(
            "a gradient that was made with create_graph=True cannot be averaged, since no gradient "
            "passes through an average; for a penalty on it take it by torch.autograd.grad(...)"
        )
