"""The gene for gradient accumulation: backward passes per optimizer step."""

from __future__ import annotations

from torch import nn
from torch.optim import Optimizer

from clantune_autobind._options import preset
from clantune_core import AbstractAllele, ClanTuneError, IntAllele
from clantune_core.contracts import GRADIENT_ACCUMULATION, Expressed

_MOST_PASSES = 64


@preset
def gradient_accumulation(
    model: nn.Module,  # noqa: ARG001  (all presets have one signature)
    optimizer: Optimizer,  # noqa: ARG001
    *,
    start: int = 1,
    largest: int = _MOST_PASSES,
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
        _count("gradient_accumulation", name, number, "backward passes")
    return _passes("gradient_accumulation", start, largest, shown=(start, largest))


@preset
def batch_size(
    model: nn.Module,  # noqa: ARG001  (all presets have one signature)
    optimizer: Optimizer,  # noqa: ARG001
    *,
    micro_batch: int | None = None,
    start: int | None = None,
    largest: int | None = None,
) -> dict[str, AbstractAllele]:
    """Return the gene `num_grad_accum` for a batch size, which is a number of micro-batches.

    The samples of an optimizer step on one rank are `micro_batch` times the gene. The training loop
    reads the gene with `member.get_gene("num_grad_accum")`, as for `gradient_accumulation`.

    Args:
        model: Ignored.
        optimizer: Ignored.
        micro_batch: Samples in a backward pass: the batch size of the loader. It is required.
        start: Initial batch size, a multiple of `micro_batch`; None: one micro-batch.
        largest: Largest batch size, a multiple of `micro_batch`; None: 64 micro-batches, or `start`
            if that is larger.

    Raises:
        ClanTuneError: One of the numbers is out of range, not an integer or not a multiple.
    """
    micro_batch = _count("batch_size", "micro_batch", micro_batch, "samples")
    first = micro_batch if start is None else start
    last = max(first, micro_batch * _MOST_PASSES) if largest is None else largest
    for name, number in (("start", first), ("largest", last)):
        _count("batch_size", name, number, "samples")
        if number % micro_batch:
            raise ClanTuneError(
                f"batch_size: {name} must be a multiple of micro_batch ({micro_batch}); got "
                f"{number}"
            )
    passes = first // micro_batch, last // micro_batch
    return _passes("batch_size", *passes, shown=(first, last))


def _count(preset_name: str, name: str, number: object, unit: str) -> int:
    if type(number) is int and number >= 1:
        return number
    raise ClanTuneError(
        f"{preset_name}: {name} must be a number of {unit}, 1 or more; got {number!r}"
    )


def _passes(
    preset_name: str, start: int, largest: int, *, shown: tuple[int, int]
) -> dict[str, AbstractAllele]:
    if start > largest:
        raise ClanTuneError(
            f"{preset_name}: start must be at most largest ({shown[1]}); got {shown[0]}"
        )
    read_by_name = Expressed(
        {}, is_cooperative=False, is_patchable=False, role=GRADIENT_ACCUMULATION
    )
    return {"num_grad_accum": read_by_name.added_to(IntAllele(start, (1, largest)))}
