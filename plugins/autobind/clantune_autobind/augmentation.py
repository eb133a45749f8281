"""The gene for the strength of data augmentation."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn
from torch.optim import Optimizer

from clantune_autobind._binding import is_number, read_by_name
from clantune_autobind._modules import numbers_in
from clantune_autobind._options import preset
from clantune_core import AbstractAllele, ClanTuneError, FloatAllele, IntAllele
from clantune_core.contracts import DATA_PATH, Expressed, offsets


@preset
def augmentation(
    model: nn.Module,
    optimizer: Optimizer,  # noqa: ARG001  (all presets have one signature)
    *,
    transform: object = None,
    start: float | None = None,
    largest: float | None = None,
) -> dict[str, AbstractAllele]:
    """Return the gene `magnitude`: the strength of augmentations.

    It sets the attribute `magnitude` of all modules of the model that have one. A transform of the
    dataset is outside the model, and the workers of a loader have copies of it, so a clan cannot
    write to it. With `transform` or `start`, the training loop reads the gene instead, with
    `member.get_gene("magnitude")`, and augments its batches with this strength.

    A magnitude that is an integer gets an integer gene.

    Args:
        model: A model, which may be wrapped or compiled.
        optimizer: Ignored.
        transform: Object whose attribute `magnitude` is the initial value of a gene to read, such
            as a `RandAugment` of torchvision.
        start: Initial value of a gene to read, 0 or more.
        largest: Largest value; None: one less than the attribute `num_magnitude_bins` of the
            transform, or else twice the initial value, and at least 1. The smallest is 0.

    Raises:
        ClanTuneError: There is no magnitude, or a number is out of range.
    """
    if transform is not None or start is not None:
        value = _first(transform, start)
        bins = getattr(transform, "num_magnitude_bins", None)
        if largest is None and type(bins) is int:
            largest = bins - 1
        return {"magnitude": read_by_name(_allele([value], largest), role=DATA_PATH)}
    found = dict(numbers_in(model, "magnitude"))
    if not found:
        raise ClanTuneError(
            "augmentation: no module of the model has a number as its magnitude; let the training "
            "loop read the gene: augmentation(transform=RandAugment()) or augmentation(start=9)"
        )
    return {"magnitude": _bound(found, largest)}


def _bound(found: Mapping[str, float], largest: float | None) -> AbstractAllele:
    allele = _allele([*found.values()], largest)
    return Expressed(offsets(allele, found), role=DATA_PATH).added_to(allele)


def _first(transform: object, start: float | None) -> float:
    if transform is not None and start is not None:
        raise ClanTuneError("augmentation: give transform= or start=, not both")
    value = getattr(transform, "magnitude", None) if start is None else start
    if is_number(value):
        return value
    whose = f"start is {start!r}" if transform is None else f"that of {transform!r} is {value!r}"
    raise ClanTuneError(f"augmentation: the initial magnitude must be a number; {whose}")


def _allele(values: list[float], largest: float | None) -> AbstractAllele:
    """Return an allele with the first value, whose domain begins at 0."""
    most = max(2 * max(values), 1) if largest is None else largest
    if not is_number(most) or not 0 <= min(values) <= max(values) <= most:
        raise ClanTuneError(
            f"augmentation: 0 <= magnitude <= largest must hold; got the magnitude {values[0]!r} "
            f"and largest={most!r}"
        )
    if all(type(value) is int for value in values):
        return IntAllele(int(values[0]), (0, int(most)))
    return FloatAllele(float(values[0]), (0.0, float(most)))
