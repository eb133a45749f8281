"""Dropout with its probability in a tensor."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from clantune_core import ClanTuneError


class TensorDropout(nn.Module):
    """Dropout like `nn.Dropout` for compiled models: changing `p` does not recompile them.

    In training mode each element is zeroed with probability `p` and otherwise divided by 1 - p. In
    evaluation mode the input is returned as it is. Change the probability with
    `module.p.fill_(0.2)`.

    Attributes:
        p: Probability that an element is zeroed, 0 to 1; a tensor without dimensions.
    """

    p: Tensor

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self._start = _checked(p)
        # Not persistent, as in `nn.Dropout`: state dicts fit both modules, and loading one does not
        # overwrite the value of a gene.
        self.register_buffer("p", torch.tensor(self._start), persistent=False)

    def reset_parameters(self) -> None:
        """Set `p` to its initial value; models created on the meta device need this."""
        self.p.fill_(self._start)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (the name that torch uses)
        """Return the input; in training mode with some elements zeroed and the others scaled up."""
        if not self.training:
            return input
        # float32, because bfloat16 has too few values in [0, 1) for an accurate small p.
        is_kept = torch.rand_like(input, dtype=torch.float32) >= self.p
        # For p = 1 no element is kept; the divisor only has to be nonzero.
        keep_probability = (1.0 - self.p).clamp(min=torch.finfo(self.p.dtype).tiny)
        return torch.where(is_kept, input / keep_probability, 0.0)

    def extra_repr(self) -> str:
        """Return the parameters for `repr`."""
        return f"p={'?' if self.p.is_meta else f'{self.p.item():g}'}"


def _checked(p: object) -> float:
    if isinstance(p, int | float) and not isinstance(p, bool) and 0.0 <= p <= 1.0:
        return float(p)
    raise ClanTuneError(f"TensorDropout: p must be a probability from 0 to 1; got {p!r}")
