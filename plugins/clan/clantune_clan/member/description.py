"""Descriptions of the objects that must be equal on all ranks before they train together."""

from __future__ import annotations

from collections.abc import Collection

import attrs
from torch import Tensor, nn

from clantune_clan.member.optimizers import ROOT, Optimizers
from clantune_core import Genome
from clantune_core.contracts import Expressed


def model_described(module: nn.Module) -> dict[str, str]:
    """Return the type and shape of each parameter and buffer, in order."""
    return {
        **{name: _described(tensor, is_frozen=False) for name, tensor in module.named_buffers()},
        **{
            name: _described(tensor, is_frozen=not tensor.requires_grad)
            for name, tensor in module.named_parameters()
        },
    }


def genome_described(genome: Genome) -> dict[str, str]:
    """Return the kind, domain and options of each gene. Values may differ between ranks."""
    described = {}
    for name, allele in genome.alleles.items():
        described[f"the kind of {name}"] = str(allele.kind)
        described[f"the domain of {name}"] = str(allele.domain)
        described[f"can_mutate of {name}"] = str(allele.can_mutate)
        described[f"can_crossbreed of {name}"] = str(allele.can_crossbreed)
        for entry, value in attrs.asdict(Expressed.of(name, allele), recurse=False).items():
            described[f"{entry} of {name}"] = str(value)
    return described


def optimizers_described(
    optimizers: Optimizers, module: nn.Module, genome: Genome
) -> dict[str, str]:
    """Return the class of each optimizer, and its options and parameters by param group.

    Options that a gene sets are left out, since they may differ between ranks.
    """
    governed = {
        path for name, allele in genome.alleles.items() for path in Expressed.of(name, allele).path
    }
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    described = {}
    for name, optimizer in optimizers.items():
        kind = type(optimizer)
        described[f"{optimizers.path_of(name)}/class"] = f"{kind.__module__}.{kind.__qualname__}"
    for path, group in optimizers.groups.items():
        for option, value in group.items():
            if option == "params":
                members = [names.get(id(p), "another parameter") for p in value]
                described[f"{path}/params"] = ", ".join(members)
            elif not _is_governed(f"{path}/{option}", governed):
                described[f"{path}/{option}"] = _option(value)
    return {path.removeprefix(f"{ROOT}/"): value for path, value in described.items()}


def _described(tensor: Tensor, *, is_frozen: bool) -> str:
    return f"{tensor.dtype} of shape {tuple(tensor.shape)}" + ", frozen" * is_frozen


def _is_governed(path: str, governed: Collection[str]) -> bool:
    return any(place == path or place.startswith(f"{path}/") for place in governed)


def _option(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(_option, value))
    if isinstance(value, Tensor) and value.numel() == 1:
        return f"a tensor of {value.item()!r}"
    is_plain = value is None or isinstance(value, bool | int | float | str)
    return repr(value) if is_plain else f"a {type(value).__name__}"
