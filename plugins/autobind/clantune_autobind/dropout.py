"""The gene for the dropout of a model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import NamedTuple

from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from clantune_autobind._binding import Trait, as_number
from clantune_autobind.tensor_dropout import TensorDropout
from clantune_core import AbstractAllele, ClanTuneError, LogitFloatAllele
from clantune_core.contracts import DATA_PATH

_DROPOUT = Trait(LogitFloatAllele, 0.001, 0.95, role=DATA_PATH)

_WITH_P = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
    TensorDropout,
)


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
            f"dropout: {type(_unwrap(model)[-1]).__name__} has no dropout to tune: none of its "
            f"{len(places)} dropout modules that a path can reach has a probability between 0 and "
            "1; set such a probability, or remove this preset"
        )
    if recompiled := [p.path for p in places if p.path in values and p.recompiles]:
        warnings.warn(
            f"dropout: torch recompiles this model at every change of {recompiled[0]}"
            f"{f' and {len(recompiled) - 1} more' if len(recompiled) > 1 else ''}; to avoid this, "
            "replace the dropout modules of torch by clantune_autobind.TensorDropout",
            stacklevel=2,
        )
    by_module = {path: {path: value} for path, value in values.items()}
    genes = {
        name: _DROPOUT.bind(bound)
        for name, bound in (by_module if per_module else {"dropout": values}).items()
    }
    return {name: allele for name, allele in genes.items() if allele is not None}


class _Place(NamedTuple):
    path: str
    value: float
    recompiles: bool


def _places(model: nn.Module) -> Iterator[_Place]:
    """Yield the dropout probabilities of the model, one per module."""
    layers = _unwrap(model)
    is_compiled = any(map(_is_compiled, layers))
    compiled: list[str] = []
    for name, module in layers[-1].named_modules():  # parents before children
        if _is_compiled(module):
            compiled.append(f"{name}.")
        attribute = _attribute(module)
        if attribute is None:
            continue
        path = _path(name, attribute)
        if path is None:
            warnings.warn(
                f"dropout: the module {name!r} has a private name (with a leading '_'), which no "
                "path can reach, so its dropout stays as it is; rename it to tune it",
                stacklevel=3,
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


def _path(name: str, attribute: str) -> str | None:
    """Return the path of a module's probability, or None if a part of its name is private."""
    # A compiled module forwards attributes to the module that it wraps, so paths skip _orig_mod.
    names = [each for each in name.split(".") if each not in ("", "_orig_mod")]
    if any(each.startswith("_") for each in names):
        return None
    return "/".join(("model", *names, attribute))


def _unwrap(model: nn.Module) -> list[nn.Module]:
    """Return the model and the modules inside its wrappers, outermost first."""
    layers = [model]
    while (inner := _inner(layers[-1])) is not None:
        layers.append(inner)
    return layers


def _inner(model: nn.Module) -> nn.Module | None:
    if isinstance(model, DistributedDataParallel):
        wrapped: nn.Module = model.module
        return wrapped
    return _compiled_from(model)


def _is_compiled(module: nn.Module) -> bool:
    in_place = getattr(module, "_compiled_call_impl", None) is not None  # by `module.compile()`
    return in_place or _compiled_from(module) is not None


def _compiled_from(module: nn.Module) -> nn.Module | None:
    """Return the module that `torch.compile` wrapped.

    Importing the wrapper class for an `isinstance` check would import the compiler.
    """
    return dict(module.named_children()).get("_orig_mod")
