"""Networks of a given number of weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import attrs
from torch import nn

from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.networks.conv import ConvPolicy


@attrs.frozen(eq=False)
class Sized:
    """A network and what it takes.

    Attributes:
        module: The network.
        inputs: Shape of one point.
        classes: Number of logits.
    """

    module: nn.Module
    inputs: tuple[int, ...]
    classes: int


def sized(weights: int) -> Sized:
    """Return a network of a number of weights: convolutions, or one linear layer.

    Args:
        weights: 605,184 and 4,051,968 give three convolutions and two linear layers.
    """
    return _POLICIES[weights]() if weights in _POLICIES else _linear(weights)


def blueprint_of(weights: int) -> Blueprint:
    """Return the blueprint of a network of a number of weights."""
    return Blueprint.of(sized(weights).module)


def _policy(inputs: tuple[int, int, int], classes: int) -> Sized:
    return Sized(ConvPolicy(inputs, classes=classes), inputs, classes)


def _linear(weights: int) -> Sized:
    rows = math.gcd(weights, 64)
    return Sized(nn.Linear(weights // rows, rows, bias=False), (weights // rows,), rows)


_POLICIES: Mapping[int, Callable[[], Sized]] = {
    605_184: lambda: _policy((3, 64, 64), 10),
    4_051_968: lambda: _policy((4, 116, 116), 18),
}
