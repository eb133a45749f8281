"""The genes of an optimizer: the numbers in its param groups."""

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
_AVERAGING = Trait(LogitFloatAllele, 0.1, 0.9999, evolves=False)
_EPS = Trait(LogFloatAllele, _SMALLEST, _LARGEST, reach=1000.0, evolves=False)

# By name of the gene, which is also the path of its value in a param group.
_ADAMW = {
    "lr": _LR,
    "weight_decay": _WEIGHT_DECAY,
    "betas/0": _AVERAGING,
    "betas/1": _AVERAGING,
    "eps": _EPS,
}
_SGD = {"lr": _LR, "weight_decay": _WEIGHT_DECAY, "momentum": _AVERAGING}

_OPTIMIZERS: dict[str, tuple[type[Optimizer], ...]] = {"adamw": (AdamW, Adam), "sgd": (SGD,)}
_A_PRESET = "a function of model and optimizer that returns alleles by name"


def adamw(
    model: nn.Module,  # noqa: ARG001  (all presets have one signature)
    optimizer: Optimizer,
    *,
    per_group: bool = False,
) -> dict[str, AbstractAllele]:
    """Return the genes of AdamW or Adam: `lr`, `weight_decay`, `betas/0`, `betas/1`, `eps`.

    One gene sets all param groups and keeps their ratios. A weight decay of 0 stays 0; a gene that
    is 0 in every group is left out.

    The betas and eps are bound, so that a clan sets and saves them, but they do not evolve: in
    simulations evolving betas gained nothing, and each additional gene makes the others harder to
    measure. `attrs.evolve(genes["betas/1"], can_mutate=True, can_crossbreed=True)` lets one evolve.

    Args:
        model: Ignored.
        optimizer: A `torch.optim.AdamW` or `Adam`, or an instance of a derived class.
        per_group: Whether each param group gets genes of its own: `lr/0`, `lr/1`.

    Raises:
        ClanTuneError: The optimizer is of another class, or a param group lacks a setting.
    """
    return _bind("adamw", optimizer, _ADAMW, per_group=per_group)


def sgd(
    model: nn.Module,  # noqa: ARG001  (all presets have one signature)
    optimizer: Optimizer,
    *,
    per_group: bool = False,
) -> dict[str, AbstractAllele]:
    """Return the genes of SGD: `lr`, `weight_decay`, `momentum`.

    One gene sets all param groups and keeps their ratios. A value of 0 stays 0: using momentum or
    weight decay at all is part of the structure. A gene that is 0 in every group is left out.

    Momentum is bound and does not evolve, like the betas of `adamw`. There is no gene for
    dampening: like lr it multiplies what a step adds to the momentum buffer, so the effects of the
    two could not be separated.

    Args:
        model: Ignored.
        optimizer: A `torch.optim.SGD`, or an instance of a derived class.
        per_group: Whether each param group gets genes of its own: `lr/0`, `lr/1`.

    Raises:
        ClanTuneError: The optimizer is of another class, or a param group lacks a setting.
    """
    return _bind("sgd", optimizer, _SGD, per_group=per_group)


def _bind(
    preset: str, optimizer: Optimizer, traits: Mapping[str, Trait], *, per_group: bool
) -> dict[str, AbstractAllele]:
    _check_class(preset, optimizer)
    genes: dict[str, AbstractAllele | None] = {}
    for name, trait in traits.items():
        values = _values(preset, optimizer, name, per_group=per_group)
        if per_group:
            for index, (path, value) in enumerate(values.items()):
                genes[f"{name}/{index}"] = trait.bind({path: value})
        else:
            genes[name] = trait.bind(values)
        if name == "lr" and not any(values.values()):
            # A weight decay or momentum of 0 is common, an lr of 0 is a mistake.
            warnings.warn(
                f"{preset}: lr is 0 in every param group, so it gets no gene; creating a "
                "scheduler whose warm-up starts at 0 sets it to 0: bind before creating the "
                "scheduler, or start above 0",
                stacklevel=3,
            )
    return {name: allele for name, allele in genes.items() if allele is not None}


def _values(preset: str, optimizer: Optimizer, name: str, *, per_group: bool) -> dict[str, float]:
    """Return the values of a setting in all param groups, by path."""
    values: dict[str, float] = {}
    group_of_tensor: dict[int, int] = {}
    for index, group in enumerate(optimizer.param_groups):
        path = f"optimizer/param_groups/{index}/{name}"
        value = _look_up(preset, optimizer, group, path, name)
        if per_group and isinstance(value, Tensor):
            first = group_of_tensor.setdefault(id(value), index)
            if first != index:
                raise ClanTuneError(
                    f"{preset}: param groups {first} and {index} share one tensor for {name}, so "
                    "they cannot have different genes; give each group its own tensor, or remove "
                    "per_group"
                )
        values[path] = as_number(value, preset, path)
    return values


def _look_up(
    preset: str, optimizer: Optimizer, group: Mapping[str, Any], path: str, name: str
) -> object:
    key, *indices = name.split("/")
    try:
        value = group[key]
        for index in indices:
            value = value[int(index)]
    except (KeyError, IndexError, TypeError):
        keys = ", ".join(str(key) for key in group if key != "params")
        raise ClanTuneError(
            f"{preset}: there is no {path}; the group has {keys}. If {type(optimizer).__name__} "
            f"has other settings than its base class, write a preset for it: {_A_PRESET}"
        ) from None
    return value


def _check_class(preset: str, optimizer: Optimizer) -> None:
    if isinstance(optimizer, _OPTIMIZERS[preset]):
        return
    expected = " and ".join(kind.__name__ for kind in _OPTIMIZERS[preset])
    fitting = [name for name, classes in _OPTIMIZERS.items() if isinstance(optimizer, classes)]
    advice = (
        f"use the preset {fitting[0]}"
        if fitting
        else f"clantune-autobind has no preset for it, so write one: {_A_PRESET}"
    )
    raise ClanTuneError(
        f"{preset} is a preset for {expected} of torch.optim; got {type(optimizer).__name__}: "
        f"{advice}"
    )
