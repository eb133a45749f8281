"""The gene for gradient clipping: the largest norm of the gradients."""

from __future__ import annotations

from torch import nn
from torch.optim import Optimizer

from clantune_autobind._binding import is_number, read_by_name
from clantune_autobind._options import preset
from clantune_core import AbstractAllele, ClanTuneError, LogFloatAllele


@preset
def gradient_clipping(
    model: nn.Module,  # noqa: ARG001  (all presets have one signature)
    optimizer: Optimizer,  # noqa: ARG001
    *,
    start: float = 1.0,
    smallest: float = 0.01,
    largest: float = 100.0,
) -> dict[str, AbstractAllele]:
    """Return the gene `max_grad_norm`: the norm to which the training loop clips the gradients.

    The clan writes it to no object. The training loop reads it between the backward pass, in which
    the clan averages the gradients, and the step:
    `clip_grad_norm_(model.parameters(), member.get_gene("max_grad_norm"))`. As the gradients are
    averaged then, each member may use its own value, also while members cooperate.

    Args:
        model: Ignored.
        optimizer: Ignored.
        start: Initial value, `smallest` to `largest`.
        smallest: Smallest value, above 0.
        largest: Largest value.

    Raises:
        ClanTuneError: The numbers are not positive, or not in this order.
    """
    numbers = (smallest, start, largest)
    if not all(map(is_number, numbers)) or not 0.0 < smallest <= start <= largest:
        raise ClanTuneError(
            "gradient_clipping: 0 < smallest <= start <= largest must hold; got "
            f"smallest={smallest!r}, start={start!r}, largest={largest!r}"
        )
    allele = LogFloatAllele(float(start), (float(smallest), float(largest)))
    return {"max_grad_norm": read_by_name(allele)}
