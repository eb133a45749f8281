"""Dropout whose probability is a tensor."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from clantune_core import ClanTuneError


class TensorDropout(nn.Module):
    """Dropout like `nn.Dropout`, for compiled models: a change of `p` does not recompile them.

    In training an element is zero with probability `p`, else divided by 1 - p; in evaluation
    nothing changes. Change the probability by `module.p.fill_(0.2)`.

    Attributes:
        p: Probability that an element is zero, 0 to 1; a tensor without dimensions.
    """

    p: Tensor

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self._start = _checked(p)
        # Not saved, as that of `nn.Dropout` is not: state dicts fit both, and loading one does not
        # overwrite what a gene has set.
        self.register_buffer("p", torch.tensor(self._start), persistent=False)

    def reset_parameters(self) -> None:
        """Set `p` as it was at first, for whoever makes models on the meta device."""
        self.p.fill_(self._start)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (as torch calls it)
        """Return the input with some elements zero and the others larger, in training."""
        if not self.training:
            return input
        # Always float32: a bfloat16 has so few values in [0, 1) that a small p would be far off.
        is_kept = torch.rand_like(input, dtype=torch.float32) >= self.p
        # Where p is 1 nothing is kept, and what is divided by must only be no zero.
        kept = (1.0 - self.p).clamp(min=torch.finfo(self.p.dtype).tiny)
        return torch.where(is_kept, input / kept, 0.0)

    def extra_repr(self) -> str:
        """Return what `repr` shows in the parentheses."""
        return f"p={'?' if self.p.is_meta else f'{self.p.item():g}'}"


def _checked(p: object) -> float:
    if isinstance(p, int | float) and not isinstance(p, bool) and 0.0 <= p <= 1.0:
        return float(p)
    raise ClanTuneError(f"TensorDropout: p is a probability, 0 to 1; got {p!r}")
