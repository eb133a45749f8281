"""The dropout of a model, wherever it is."""

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
    optimizer: Optimizer,  # noqa: ARG001  (all presets are called alike)
    *,
    per_module: bool = False,
) -> dict[str, AbstractAllele]:
    """Return the gene `dropout`, which moves all dropout of a model and keeps the ratios of odds.

    It binds all dropout modules of torch, the dropout of `nn.MultiheadAttention` and of recurrent
    networks with several layers, and `TensorDropout`. What is 0 or 1 stays as it is.

    Args:
        model: May be wrapped in `DistributedDataParallel`, or compiled, whole or in parts.
        optimizer: Not looked at.
        per_module: Whether each module has a gene of its own, named by its path, such as
            `model/encoder/layers/0/dropout/p`.

    Raises:
        ClanTuneError: The model has no dropout that is on.

    Warns:
        UserWarning: The model is compiled and will be so again at every change, or a module has a
            private name and is left out.
    """
    places = [*_places(model)]
    values = {place.path: place.value for place in places if 0.0 < place.value < 1.0}
    if not values:
        raise ClanTuneError(
            f"dropout: {type(_unwrapped(model)[-1]).__name__} has no dropout that is on: of the "
            f"dropout modules that a path reaches, {len(places)} in number, none has a probability "
            "between 0 and 1; give one such a probability, or leave this preset out"
        )
    if slow := [place.path for place in places if place.path in values and place.recompiles]:
        warnings.warn(
            f"dropout: torch compiles this model anew at every change of {slow[0]}"
            f"{f' and {len(slow) - 1} more' if len(slow) > 1 else ''}; clantune_autobind."
            "TensorDropout in place of a dropout module of torch avoids it",
            stacklevel=2,
        )
    named = {path: {path: value} for path, value in values.items()}
    genes = {
        name: _DROPOUT.bind(held)
        for name, held in (named if per_module else {"dropout": values}).items()
    }
    return {name: allele for name, allele in genes.items() if allele is not None}


class _Place(NamedTuple):
    path: str
    value: float
    recompiles: bool


def _places(model: nn.Module) -> Iterator[_Place]:
    """Yield where the model has a probability of dropout, each module once."""
    layers = _unwrapped(model)
    is_compiled = any(map(_is_compiled, layers))
    compiled: list[str] = []
    for name, module in layers[-1].named_modules():  # a module comes before what is inside it
        if _is_compiled(module):
            compiled.append(f"{name}.")
        attribute = _attribute(module)
        if attribute is None:
            continue
        path = _path(name, attribute)
        if path is None:
            warnings.warn(
                f"dropout: no path reaches the module {name!r}, because it has a private name, one "
                "that begins with '_'; its dropout stays as it is",
                stacklevel=3,
            )
            continue
        yield _Place(
            path,
            as_number(getattr(module, attribute), "dropout", path),
            # Torch runs recurrent networks as they are, also where all around them is compiled.
            not isinstance(module, TensorDropout | nn.RNNBase)
            and (is_compiled or f"{name}.".startswith(tuple(compiled))),
        )


def _attribute(module: nn.Module) -> str | None:
    """Return what the module calls its probability of dropout, or None if it has none."""
    if isinstance(module, _WITH_P):
        return "p"
    if isinstance(module, nn.MultiheadAttention):
        return "dropout"
    if isinstance(module, nn.RNNBase) and module.num_layers > 1:  # it acts between layers
        return "dropout"
    return None


def _path(name: str, attribute: str) -> str | None:
    """Return the path of a module's probability, or None if a name on the way is private."""
    # A compiled part shows what it wraps as its own, so a path need not know that it is compiled.
    names = [each for each in name.split(".") if each not in ("", "_orig_mod")]
    if any(each.startswith("_") for each in names):
        return None
    return "/".join(("model", *names, attribute))


def _unwrapped(model: nn.Module) -> list[nn.Module]:
    """Return the model as it came, and what each wrapper around it holds; last the model itself."""
    layers = [model]
    while (inside := _inside(layers[-1])) is not None:
        layers.append(inside)
    return layers


def _inside(model: nn.Module) -> nn.Module | None:
    if isinstance(model, DistributedDataParallel):
        wrapped: nn.Module = model.module
        return wrapped
    return _compiled_from(model)


def _is_compiled(module: nn.Module) -> bool:
    in_place = getattr(module, "_compiled_call_impl", None) is not None  # by `module.compile()`
    return in_place or _compiled_from(module) is not None


def _compiled_from(module: nn.Module) -> nn.Module | None:
    """Return what `torch.compile` wrapped; to import its class would be to import the compiler."""
    return dict(module.named_children()).get("_orig_mod")
