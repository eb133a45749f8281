"""How many backward passes make a step."""

from __future__ import annotations

from torch import nn
from torch.optim import Optimizer

from clantune_core import AbstractAllele, ClanTuneError, IntAllele
from clantune_core.contracts import GRADIENT_ACCUMULATION, Expressed


def gradient_accumulation(
    model: nn.Module,  # noqa: ARG001  (all presets are called alike)
    optimizer: Optimizer,  # noqa: ARG001
    *,
    start: int = 1,
    largest: int = 64,
) -> dict[str, AbstractAllele]:
    """Return the gene `num_grad_accum`: how many backward passes the training loop makes per step.

    It is written nowhere; the loop reads it, by `member.get_gene("num_grad_accum")`. While members
    cooperate all of them use the clan's mean: were their numbers not equal, some would wait for
    backward passes that the others never make.

    Args:
        model: Not looked at.
        optimizer: Not looked at.
        start: Its value, 1 to `largest`.
        largest: Its largest value, 1 or more; the smallest is 1.

    Raises:
        ClanTuneError: These are no such numbers.
    """
    for name, number in (("start", start), ("largest", largest)):
        if type(number) is not int or number < 1:
            raise ClanTuneError(
                f"gradient_accumulation: {name} is a number of backward passes, 1 or more; "
                f"got {number!r}"
            )
    if start > largest:
        raise ClanTuneError(
            f"gradient_accumulation: start is at most largest, which is {largest}; got {start}"
        )
    read_by_name = Expressed(
        {}, is_cooperative=False, is_patchable=False, role=GRADIENT_ACCUMULATION
    )
    return {"num_grad_accum": read_by_name.added_to(IntAllele(start, (1, largest)))}
