"""The network of convolutions that the notes evolve, and their schemes of populations."""

from __future__ import annotations

import math

import attrs

from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.gene import OCTAVE
from clantune_neuro.lineage.tensors import Birth
from clantune_neuro.networks.conv import ConvPolicy
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.strategies.append import Append
from clantune_neuro.tasks.memorise import Memorise
from clantune_strategies import Dominant, KeepBest, TopN, Tournament, WhenReplaced

BATCH = 32


@attrs.frozen
class Size:
    """How large the network and its task are.

    Attributes:
        points: Number of points.
        side: Height and width of a picture.
        channels: Output channels of each convolution.
        kernels: Side of each convolution's kernel.
        strides: Stride of each convolution.
        hidden: Width of the hidden layer.
    """

    points: int = 64
    side: int = 64
    channels: tuple[int, ...] = (32, 64, 64)
    kernels: tuple[int, ...] = (8, 4, 3)
    strides: tuple[int, ...] = (4, 2, 1)
    hidden: int = 512

    def network(self, *, bias: bool = False) -> ConvPolicy:
        """Return the network, with weights of the standard deviation 2 / sqrt(fan-in)."""
        return ConvPolicy(
            (3, self.side, self.side),
            classes=10,
            channels=self.channels,
            kernels=self.kernels,
            strides=self.strides,
            hidden=self.hidden,
            bias=bias,
        )

    def task(self, loss: str, seed: int) -> Memorise:
        """Return random pictures with random labels."""
        inputs = (3, self.side, self.side)
        return Memorise(points=self.points, inputs=inputs, batch=BATCH, loss=loss, seed=seed)


SMALL = Size(points=32, side=8, channels=(4,), kernels=(3,), strides=(2,), hidden=16)
"""A small form, to see that a claim can be measured."""


@attrs.frozen
class Scheme:
    """Children of the best, which add noise to the whole network. The best member is kept.

    Attributes:
        parents: Number of parents.
        children: Number of children per generation.
        strength: The notes' sigma: standard deviation of a step, in units of that at birth.
    """

    parents: int
    children: int
    strength: float

    def __str__(self) -> str:
        return f"({self.parents}, {self.children}) {self.strength:g}"

    def run(self, size: Size, loss: str, seed: int) -> Evolve:
        """Return the run of a seed.

        A step has the standard deviation of the notes, but for the scale of each tensor: that is
        the power of two nearest to 1 / sqrt(fan-in).
        """
        network = size.network()
        births = {
            name: Birth("normal", round(OCTAVE * math.log2(2 / math.sqrt(one[0].numel()))))
            for name, one in network.named_parameters()
        }
        best = KeepBest(TopN(self.parents, Tournament(1, 1)), 1)
        return Evolve(
            network,
            size.task(loss, seed),
            [best, Dominant(), WhenReplaced(Append("normal"))],
            population=self.children + 1,
            strength=2 * self.strength,
            blueprint=Blueprint.of(network, births=births, operators=["normal"]),
            seed=seed,
        )
