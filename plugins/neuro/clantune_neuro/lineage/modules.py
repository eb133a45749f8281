"""Reading the tensors of a module, and refusing modules that cannot evolve."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from clantune_neuro.errors import BlueprintError
from clantune_neuro.lineage.gene import OCTAVE
from clantune_neuro.lineage.layout import BUFFERS
from clantune_neuro.lineage.tensors import Birth, TensorSpec


def evolving(module: nn.Module) -> dict[str, nn.Parameter]:
    """Return the floating parameters of a module by name; a tied one once, by its first name.

    Raises:
        BlueprintError: It has none, or one that cannot evolve.
    """
    found = {}
    for name, parameter in module.named_parameters():
        _require_usable(name, parameter)
        if parameter.is_floating_point():
            found[name] = parameter
    for name, buffer in module.named_buffers():
        _require_usable(name, buffer)
    if not found:
        raise BlueprintError(
            f"{type(module).__name__} has no floating parameter, so nothing can evolve"
        )
    return found


def require_buffers(module: nn.Module, buffers: str | None) -> str:
    """Return the rule for buffers; empty where no buffer changes in evaluation.

    Raises:
        BlueprintError: The module has running statistics and `buffers` is not given.
    """
    if buffers is not None and buffers not in BUFFERS:
        raise BlueprintError(f'buffers must be "keep" or "batch"; got {buffers!r}')
    changing = [*_running(module)]
    if changing and buffers is None:
        raise BlueprintError(
            f"the buffers of {changing[0]!r} change when the network is evaluated, so a score "
            'depends on earlier ones; pass buffers="keep" to use its running statistics as they '
            'are, or buffers="batch" to use the statistics of each batch',
            tensor=changing[0],
        )
    return buffers or "" if changing else ""


def specs(
    module: nn.Module, birth: str, unit: int, renamed: Mapping[str, str]
) -> Iterator[TensorSpec]:
    """Yield the description of each floating parameter.

    Args:
        module: The network.
        birth: `"he"`, `"zero"` or `"given"`.
        unit: The exponent of the units.
        renamed: Names that key the noise, by names of parameters.

    A matrix of n inputs has the scale nearest to 1 / sqrt(n), and at birth the standard deviation
    sqrt(2 / n). A bias has the scale of the matrix beside it. A tensor with less than two
    dimensions is born with the value that all its weights have in the module, or else 0. A
    single weight that torch has drawn is born as 0 as well.

    Raises:
        BlueprintError: The module cannot evolve as asked.
    """
    parameters = evolving(module)
    if unknown := sorted(renamed.keys() - parameters.keys()):
        raise BlueprintError(f"no parameter is called {unknown[0]!r}; they are {[*parameters]}")
    for name, parameter in parameters.items():
        inputs = _inputs(name, parameters)
        yield TensorSpec(
            name,
            tuple(parameter.shape),
            unit,
            round(-math.log2(inputs) / 2),
            _birth(parameter, birth, inputs, unit),
            origin=renamed.get(name, name),
        )


def bank_of(module: nn.Module) -> tuple[str, ...]:
    """Return the attribute `bank` of a module, if it is a tuple of names; empty otherwise."""
    bank = getattr(module, "bank", ())
    named = isinstance(bank, tuple) and all(isinstance(name, str) for name in bank)
    return bank if named else ()


def changed(
    found: Sequence[TensorSpec], bank: tuple[str, ...], changes: Mapping[str, Mapping[str, Any]]
) -> tuple[TensorSpec, ...]:
    """Return descriptions with other fields.

    Args:
        found: The descriptions.
        bank: Names of the features and the logits of a bank of rows, or empty. The features are
            born with norm 1, the logits with variance 1; both have the scale 1.
        changes: By field: its values by name of the parameter.

    Raises:
        BlueprintError: A change names no parameter.
    """
    names = [spec.name for spec in found]
    own: dict[str, dict[str, Any]] = {name: {} for name in names}
    for name, birth in zip(bank, (Birth("unit"), Birth("normal")), strict=False):
        own.get(name, {}).update(birth=birth, scale=0)
    for field, values in changes.items():
        for name, value in values.items():
            if name not in own:
                raise BlueprintError(f"no parameter is called {name!r}; they are {names}")
            own[name][field] = value
    return tuple(attrs.evolve(spec, **own[spec.name]) for spec in found)


def _require_usable(name: str, tensor: torch.Tensor) -> None:
    for unusable, what, advice in (
        (is_lazy(tensor), "is lazy, so its shape is not known", "run the module on one input"),
        (tensor.is_complex(), "is complex", "hold its real and imaginary parts as two parameters"),
        (tensor.is_quantized, "is quantised", "evolve the module before it is quantised"),
    ):
        if unusable:
            raise BlueprintError(f"{name!r} {what}; {advice}", tensor=name)


def _running(module: nn.Module) -> Iterator[str]:
    """Yield the names of the submodules that keep running statistics."""
    for name, part in module.named_modules():
        if getattr(part, "running_mean", None) is not None:
            yield name or type(module).__name__


def _inputs(name: str, parameters: Mapping[str, nn.Parameter]) -> int:
    """Return the number of inputs of each output of a tensor."""
    owner, _, own = name.rpartition(".")
    beside = parameters.get(f"{owner}.weight" if owner else "weight")
    shape = parameters[name].shape
    if len(shape) < 2 and own != "weight" and beside is not None and beside.ndim > 1:
        shape = beside.shape
    sizes = shape[1:] if len(shape) > 1 else shape
    return max(1, math.prod(sizes))


def _birth(parameter: nn.Parameter, birth: str, inputs: int, unit: int) -> Birth:
    if birth == "given":
        return Birth("given")
    if birth == "zero":
        return Birth("constant", 0)
    if birth != "he":
        raise BlueprintError(f'birth must be "he", "zero" or "given"; got {birth!r}')
    if parameter.ndim > 1:
        return Birth("normal", round(OCTAVE * math.log2(2 / inputs) / 2))
    return Birth("constant", round(_common_value(parameter.detach().flatten()) * 2**unit))


def _common_value(values: torch.Tensor) -> float:
    """Return the value that all weights of a module have on purpose; 0 if they were drawn.

    A single weight was drawn if it is not a multiple of 1/256.
    """
    if not values.numel() or not bool((values == values[0]).all()):
        return 0.0
    value = float(values[0])
    return value if values.numel() > 1 or (value * 256).is_integer() else 0.0
