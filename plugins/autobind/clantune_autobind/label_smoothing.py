"""The gene for label smoothing."""

from __future__ import annotations

from torch import nn
from torch.optim import Optimizer

from clantune_autobind._binding import bound, is_number, read_by_name
from clantune_autobind._modules import numbers_in
from clantune_autobind._options import preset
from clantune_core import AbstractAllele, ClanTuneError
from clantune_core.contracts import DATA_PATH


@preset
def label_smoothing(
    model: nn.Module,
    optimizer: Optimizer,  # noqa: ARG001  (all presets have one signature)
    *,
    loss: object = None,
    start: float | None = None,
) -> dict[str, AbstractAllele]:
    """Return the gene `label_smoothing`.

    It sets the attribute `label_smoothing` of all modules of the model that have one above 0, such
    as an `nn.CrossEntropyLoss`. A clan cannot write to a loss outside the model. With `loss` or
    `start`, the training loop reads the gene instead, with `member.get_gene("label_smoothing")`,
    and passes it to the loss.

    Args:
        model: A model, which may be wrapped or compiled.
        optimizer: Ignored.
        loss: Object whose attribute `label_smoothing` is the initial value of a gene to read.
        start: Initial value of a gene to read, above 0 and below 1.

    Raises:
        ClanTuneError: There is no label smoothing above 0, or a number is not between 0 and 1.
    """
    if loss is not None or start is not None:
        return {"label_smoothing": _to_read(loss, start)}
    found = {path: value for path, value in numbers_in(model, "label_smoothing") if 0 < value < 1}
    gene = bound(found, role=DATA_PATH) if found else None
    if gene is None:
        raise ClanTuneError(
            "label_smoothing: no module of the model has a label_smoothing between 0 and 1; set "
            "one, such as nn.CrossEntropyLoss(label_smoothing=0.1), or let the training loop read "
            "the gene: label_smoothing(loss=criterion) or label_smoothing(start=0.1)"
        )
    return {"label_smoothing": gene}


def _to_read(loss: object, start: float | None) -> AbstractAllele:
    if loss is not None and start is not None:
        raise ClanTuneError("label_smoothing: give loss= or start=, not both")
    value = getattr(loss, "label_smoothing", None) if start is None else start
    # Read by name, and of the kind and domain that a loss inside the model gets.
    gene = bound({"model/label_smoothing": value}) if is_number(value) and 0 < value < 1 else None
    if gene is not None:
        return read_by_name(gene, role=DATA_PATH)
    whose = f"start is {start!r}" if loss is None else f"that of {loss!r} is {value!r}"
    raise ClanTuneError(
        f"label_smoothing: the initial value must be a number between 0 and 1; {whose}"
    )
