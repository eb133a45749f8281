"""Hashes of replayed weights, which every machine and device must give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.gene import Gene
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.lineage.table import table
from clantune_neuro.lineage.tensors import TensorSpec
from clantune_neuro.replay.nursery import Nursery

Case = tuple[int, str]


def convolutions(
    kernels: Sequence[tuple[int, ...]], hidden: int, inputs: int, outputs: int
) -> Blueprint:
    """Return the blueprint of three convolutions and two dense layers, without biases."""
    shapes = [*kernels, (hidden, inputs), (outputs, hidden)]
    names = ("convs.0", "convs.1", "convs.2", "hidden", "output")
    scales = (-4, -4, -5, -5, -4)
    specs = [
        TensorSpec(f"{name}.weight", shape, scale=scale)
        for name, shape, scale in zip(names, shapes, scales, strict=True)
    ]
    return Blueprint(tuple(specs), table(None, has_bank=False))


BLUEPRINTS: Mapping[int, Blueprint] = {
    605_184: convolutions([(32, 3, 8, 8), (64, 32, 4, 4), (64, 64, 3, 3)], 512, 1024, 10),
    4_051_968: convolutions([(32, 4, 8, 8), (64, 32, 4, 4), (64, 64, 3, 3)], 512, 7744, 18),
}
"""The blueprints, by their number of weights."""

HASHES: Mapping[Case, str] = {
    (605_184, "birth"): "c63f504a39a654688812c1363b34de7ff70d1c4b50f673be80d7f95d3118d8d0",
    (605_184, "normal"): "c8ffc60b6f8a6cc667ba4e41e06b53d9f612b93b18178551e3e199beadf76d78",
    (605_184, "exponential"): "8316dfbff5b82324d14e9eb24b7d8b19a9fc390d05dbb0113f054410f616d515",
    (605_184, "uniform"): "fc4270d6931b54513ff30cf9b8ea16b25c4a9f5d5aed26f6840bd464293085ef",
    (605_184, "one"): "75d109cd4f15dc9a5d0eb2cbef594686ae4020b807f3a8f1a704090fabb9cbbf",
    (605_184, "tensor"): "c18f14d72f9997741ff78a4b6da51f3ac83a1079f18e9932176462e8fcc07563",
    (605_184, "module"): "bcbc7ad8135a602be3c60456ba150f47a81916e5123e29394519324753b3cfda",
    (605_184, "rank-1"): "f41efa950ad8230c18621372109e748fd58b14ca6fcc0e5741a37fc012d7b998",
    (605_184, "norm"): "de56b78d6cd703155e103648869c68184f7e4e4711864f4c8b5e2304a50d6dd2",
    (605_184, "rate"): "95e9e321daa60ec3ed33bd23363f09c7973c9ad4099ea63b917dc8b26abbcbc1",
    (4_051_968, "birth"): "8cf27416b3846ba2fdd8a40d1ad2d904f88789c847548bb9ec2a2bbdac7df0b2",
    (4_051_968, "normal"): "c7e11bdcb7df832f060eac207182611c50675172d0037af815f47f66be56f3e8",
    (4_051_968, "rank-1"): "6bce03d349cc9a954b5056df829581266c74bfbf5a43bacf404be7addb071c03",
}
"""By the number of weights and what is replayed: a birth, and one gene of each operator."""

CASES = sorted(HASHES)


def hash_of(size: int, name: str, nursery: Nursery) -> str:
    """Return the SHA-256 of the weights of a birth, or of a birth and one gene."""
    blueprint = BLUEPRINTS[size]
    lineage = Lineage.born(7)
    if name != "birth":
        argument = blueprint.number_of("normal") if name == "norm" else 0
        lineage = lineage.append(Gene(blueprint.number_of(name), argument, -300, 99))
    return nursery.state(lineage).sha256
