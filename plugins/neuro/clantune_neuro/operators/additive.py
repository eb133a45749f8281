"""Operators that add noise: to the whole network, or to a part that the seed draws."""

from __future__ import annotations

from collections.abc import Iterable

from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.gene import Gene
from clantune_neuro.lineage.registry import no_argument, operator, shape_argument
from clantune_neuro.noise.shapes import SHAPES
from clantune_neuro.replay.state import State
from clantune_neuro.replay.steps import Noise, add_step, step


@operator("normal", additive=True, arguments=no_argument)
def normal(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Add normal noise to every weight."""
    _add(state, gene, "normal", range(len(blueprint.tensors)))


@operator("exponential", additive=True, arguments=no_argument)
def exponential(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Add exponential noise of both signs to every weight: more small and more large steps."""
    _add(state, gene, "exponential", range(len(blueprint.tensors)))


@operator("uniform", additive=True, arguments=no_argument)
def uniform(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Add uniform noise to every weight: no step is larger than 1.73 times the strength."""
    _add(state, gene, "uniform", range(len(blueprint.tensors)))


@operator("one", additive=True, arguments=shape_argument)
def one(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Add noise to one weight: the seed modulo their number is its place among all."""
    place = gene.seed % blueprint.num_weights
    for index, tensor in enumerate(blueprint.tensors):
        if place < tensor.size:
            found, largest = step(state, index, _noise(gene), 1)
            state.add(index, found, largest, start=place)
            return
        place -= tensor.size


@operator("tensor", additive=True, arguments=shape_argument)
def tensor(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Add noise to one tensor: the seed modulo their number is its place."""
    add_step(state, gene.seed % len(blueprint.tensors), _noise(gene))


@operator("module", additive=True, arguments=shape_argument, depth=1)
def module(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Add noise to one submodule, for ensembles: the seed modulo their number is its place.

    The parameter `depth` is the number of components of a submodule's name: 1 for `conv`, 2 for
    `nets.0`.
    """
    depth = blueprint.entry(gene.operator).parameter("depth")
    owners = [".".join(each.origin.split(".")[:-1][:depth]) for each in blueprint.tensors]
    names = [*dict.fromkeys(owners)]
    drawn = names[gene.seed % len(names)]
    places = [index for index, owner in enumerate(owners) if owner == drawn]
    _add(state, gene, SHAPES[gene.argument], places)


def _noise(gene: Gene) -> Noise:
    return Noise(SHAPES[gene.argument], gene.seed, gene.strength)


def _add(state: State, gene: Gene, shape: str, places: Iterable[int]) -> None:
    for index in places:
        add_step(state, index, Noise(shape, gene.seed, gene.strength))
