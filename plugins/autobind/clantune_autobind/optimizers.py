"""The genes of an optimizer: numbers in its param groups."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from clantune_autobind._binding import Trait, as_number
from clantune_core import AbstractAllele, ClanTuneError, LogFloatAllele, LogitFloatAllele

_SMALLEST, _LARGEST = LogFloatAllele.widest
_LR = Trait(LogFloatAllele, _SMALLEST, _LARGEST, reach=1000.0)
_WEIGHT_DECAY = Trait(LogFloatAllele, _SMALLEST, 10.0, reach=1000.0)
_DECAY_OF_A_MEAN = Trait(LogitFloatAllele, 0.1, 0.9999, evolves=False)
_EPS = Trait(LogFloatAllele, _SMALLEST, _LARGEST, reach=1000.0, evolves=False)

# A name is that of the gene, and leads to its value from the param group.
_OF_ADAMW = {
    "lr": _LR,
    "weight_decay": _WEIGHT_DECAY,
    "betas/0": _DECAY_OF_A_MEAN,
    "betas/1": _DECAY_OF_A_MEAN,
    "eps": _EPS,
}
_OF_SGD = {"lr": _LR, "weight_decay": _WEIGHT_DECAY, "momentum": _DECAY_OF_A_MEAN}

_FITTING: dict[str, tuple[type[Optimizer], ...]] = {"adamw": (AdamW, Adam), "sgd": (SGD,)}
_HOW_TO_WRITE_ONE = "a function of model and optimizer that returns alleles by name"


def adamw(
    model: nn.Module,  # noqa: ARG001  (all presets are called alike)
    optimizer: Optimizer,
    *,
    per_group: bool = False,
) -> dict[str, AbstractAllele]:
    """Return the genes of AdamW or Adam: `lr`, `weight_decay`, `betas/0`, `betas/1`, `eps`.

    One gene moves all param groups and keeps their ratios. A weight decay of 0 stays 0; a gene that
    is 0 in every group is left out.

    The betas and eps are bound, so that a clan sets and saves them, but they do not evolve: in
    simulations nothing was gained by evolving betas, and every gene more makes the others harder to
    measure. `attrs.evolve(genes["betas/1"], can_mutate=True, can_crossbreed=True)` lets one evolve.

    Args:
        model: Not looked at.
        optimizer: A `torch.optim.AdamW` or `Adam`, or of a class that derives from one.
        per_group: Whether each param group has genes of its own: `lr/0`, `lr/1`.

    Raises:
        ClanTuneError: It is another optimizer, or a param group lacks one of the settings.
    """
    return _bind("adamw", optimizer, _OF_ADAMW, per_group=per_group)


def sgd(
    model: nn.Module,  # noqa: ARG001  (all presets are called alike)
    optimizer: Optimizer,
    *,
    per_group: bool = False,
) -> dict[str, AbstractAllele]:
    """Return the genes of SGD: `lr`, `weight_decay`, `momentum`.

    One gene moves all param groups and keeps their ratios. What is 0 stays 0: whether there is a
    momentum or a weight decay at all is structure. A gene that is 0 in every group is left out.

    Momentum is bound and does not evolve, as the betas of `adamw`. Dampening is no gene: a constant
    one multiplies what a step adds to the momentum buffer, which is what lr does too, so the two
    could not be told apart.

    Args:
        model: Not looked at.
        optimizer: A `torch.optim.SGD`, or of a class that derives from it.
        per_group: Whether each param group has genes of its own: `lr/0`, `lr/1`.

    Raises:
        ClanTuneError: It is another optimizer, or a param group lacks one of the settings.
    """
    return _bind("sgd", optimizer, _OF_SGD, per_group=per_group)


def _bind(
    preset: str, optimizer: Optimizer, traits: Mapping[str, Trait], *, per_group: bool
) -> dict[str, AbstractAllele]:
    _require_fit(preset, optimizer)
    genes: dict[str, AbstractAllele | None] = {}
    for name, trait in traits.items():
        values = _values(preset, optimizer, name, per_group=per_group)
        if per_group:
            for index, (path, value) in enumerate(values.items()):
                genes[f"{name}/{index}"] = trait.bind({path: value})
        else:
            genes[name] = trait.bind(values)
        if name == "lr" and not any(values.values()):
            # Unlike any other setting this one is never meant to stay so.
            warnings.warn(
                f"{preset}: lr is 0 in every param group, so there is no gene for it; a scheduler "
                "whose warm-up starts at 0 sets it when it is made: bind before that, or start "
                "above 0",
                stacklevel=3,
            )
    return {name: allele for name, allele in genes.items() if allele is not None}


def _values(preset: str, optimizer: Optimizer, name: str, *, per_group: bool) -> dict[str, float]:
    """Return what all param groups hold, by path."""
    values: dict[str, float] = {}
    tensors: dict[int, int] = {}
    for index, group in enumerate(optimizer.param_groups):
        path = f"optimizer/param_groups/{index}/{name}"
        held = _look_up(preset, optimizer, group, path, name)
        if per_group and isinstance(held, Tensor):
            first = tensors.setdefault(id(held), index)
            if first != index:
                raise ClanTuneError(
                    f"{preset}: param groups {first} and {index} share one tensor for {name}, so "
                    "they cannot have genes of their own; give each group a tensor of its own, or "
                    "leave out per_group"
                )
        values[path] = as_number(held, preset, path)
    return values


def _look_up(
    preset: str, optimizer: Optimizer, group: Mapping[str, Any], path: str, name: str
) -> object:
    key, *inside = name.split("/")
    try:
        held = group[key]
        for index in inside:
            held = held[int(index)]
    except (KeyError, IndexError, TypeError):
        keys = ", ".join(str(key) for key in group if key != "params")
        raise ClanTuneError(
            f"{preset}: there is no {path}; the group has {keys}. If {type(optimizer).__name__} "
            "has other settings than the class that it derives from, write a preset for it: "
            f"{_HOW_TO_WRITE_ONE}"
        ) from None
    return held


def _require_fit(preset: str, optimizer: Optimizer) -> None:
    if isinstance(optimizer, _FITTING[preset]):
        return
    takes = " and ".join(kind.__name__ for kind in _FITTING[preset])
    fits = [name for name, classes in _FITTING.items() if isinstance(optimizer, classes)]
    instead = (
        f"use the preset {fits[0]}"
        if fits
        else f"no preset of clantune-autobind fits it, so write one: {_HOW_TO_WRITE_ONE}"
    )
    raise ClanTuneError(
        f"{preset} is for {takes} of torch.optim; got {type(optimizer).__name__}: {instead}"
    )
