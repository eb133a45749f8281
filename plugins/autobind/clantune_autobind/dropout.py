"""The gene for the dropout of a model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import NamedTuple

from torch import nn
from torch.optim import Optimizer

from clantune_autobind._binding import as_number, bound
from clantune_autobind._modules import compiled_from, path_of, unwrapped
from clantune_autobind._options import preset
from clantune_autobind.tensor_dropout import TensorDropout
from clantune_core import AbstractAllele, ClanTuneError
from clantune_core.contracts import DATA_PATH

_WITH_P = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
    TensorDropout,
)


@preset
def dropout(
    model: nn.Module,
    optimizer: Optimizer,  # noqa: ARG001  (all presets have one signature)
    *,
    per_module: bool = False,
) -> dict[str, AbstractAllele]:
    """Return the gene `dropout`, which sets all dropout of a model and keeps the ratios of odds.

    It binds every dropout module of torch, the dropout of `nn.MultiheadAttention` and of recurrent
    networks with several layers, and `TensorDropout`. A probability of 0 or 1 stays as it is.

    Args:
        model: A model, which may be wrapped in `DistributedDataParallel` or compiled, wholly or in
            part.
        optimizer: Ignored.
        per_module: Whether each module gets a gene of its own, whose name is its path, such as
            `model/encoder/layers/0/dropout/p`.

    Raises:
        ClanTuneError: No dropout probability of the model is between 0 and 1.

    Warns:
        UserWarning: The model is compiled, and each change recompiles it; or a module has a private
            name and is left out.
    """
    places = [*_places(model)]
    values = {place.path: place.value for place in places if 0.0 < place.value < 1.0}
    if not values:
        raise ClanTuneError(
            f"dropout: {type(unwrapped(model)[-1]).__name__} has no dropout to tune: none of its "
            f"{len(places)} dropout modules that a path can reach has a probability between 0 and "
            "1; set such a probability, or remove this preset"
        )
    if recompiled := [p.path for p in places if p.path in values and p.recompiles]:
        warnings.warn(
            f"dropout: torch recompiles this model at every change of {recompiled[0]}"
            f"{f' and {len(recompiled) - 1} more' if len(recompiled) > 1 else ''}; to avoid this, "
            "replace the dropout modules of torch by clantune_autobind.TensorDropout",
            stacklevel=4,
        )
    by_module = {path: {path: value} for path, value in values.items()}
    genes = {
        name: bound(each, role=DATA_PATH)
        for name, each in (by_module if per_module else {"dropout": values}).items()
    }
    return {name: allele for name, allele in genes.items() if allele is not None}


class _Place(NamedTuple):
    path: str
    value: float
    recompiles: bool


def _places(model: nn.Module) -> Iterator[_Place]:
    """Yield the dropout probabilities of the model, one per module."""
    layers = unwrapped(model)
    is_compiled = any(map(_is_compiled, layers))
    compiled: list[str] = []
    for name, module in layers[-1].named_modules():  # parents before children
        if _is_compiled(module):
            compiled.append(f"{name}.")
        attribute = _attribute(module)
        if attribute is None:
            continue
        path = path_of(name, attribute)
        if path is None:
            warnings.warn(
                f"dropout: the module {name!r} has a private name (with a leading '_'), which no "
                "path can reach, so its dropout stays as it is; rename it to tune it",
                stacklevel=5,
            )
            continue
        yield _Place(
            path,
            as_number(getattr(module, attribute), "dropout", path),
            # torch never compiles recurrent networks, even inside a compiled model.
            not isinstance(module, TensorDropout | nn.RNNBase)
            and (is_compiled or f"{name}.".startswith(tuple(compiled))),
        )


def _attribute(module: nn.Module) -> str | None:
    """Return the name of the attribute with a module's dropout probability, None if it has none."""
    if isinstance(module, _WITH_P):
        return "p"
    if isinstance(module, nn.MultiheadAttention):
        return "dropout"
    if isinstance(module, nn.RNNBase) and module.num_layers > 1:  # dropout acts between layers
        return "dropout"
    return None


def _is_compiled(module: nn.Module) -> bool:
    in_place = getattr(module, "_compiled_call_impl", None) is not None  # by `module.compile()`
    return in_place or compiled_from(module) is not None
