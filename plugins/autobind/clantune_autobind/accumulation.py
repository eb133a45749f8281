"""The gene for gradient accumulation: backward passes per optimizer step."""

from __future__ import annotations

from torch import nn
from torch.optim import Optimizer

from clantune_core import AbstractAllele, ClanTuneError, IntAllele
from clantune_core.contracts import GRADIENT_ACCUMULATION, Expressed


def gradient_accumulation(
    model: nn.Module,  # noqa: ARG001  (all presets have one signature)
    optimizer: Optimizer,  # noqa: ARG001
    *,
    start: int = 1,
    largest: int = 64,
) -> dict[str, AbstractAllele]:
    """Return the gene `num_grad_accum`: the number of backward passes per optimizer step.

    The clan writes it to no object; the training loop reads it with
    `member.get_gene("num_grad_accum")`. While members cooperate, all of them use the clan's mean:
    with different numbers, some would wait for backward passes that the others never make.

    Args:
        model: Ignored.
        optimizer: Ignored.
        start: Initial value, 1 to `largest`.
        largest: Largest value, 1 or more; the smallest is 1.

    Raises:
        ClanTuneError: One of the numbers is out of range or not an integer.
    """
    for name, number in (("start", start), ("largest", largest)):
        if type(number) is not int or number < 1:
            raise ClanTuneError(
                f"gradient_accumulation: {name} must be a number of backward passes, 1 or more; "
                f"got {number!r}"
            )
    if start > largest:
        raise ClanTuneError(
            f"gradient_accumulation: start must be at most largest ({largest}); got {start}"
        )
    read_by_name = Expressed(
        {}, is_cooperative=False, is_patchable=False, role=GRADIENT_ACCUMULATION
    )
    return {"num_grad_accum": read_by_name.added_to(IntAllele(start, (1, largest)))}
