"""Blueprints and chains that several tests use."""

import functools
from random import Random

import torch
from torch import nn

from clantune_neuro import Blueprint, Gene, Lineage


class Bank(nn.Module):
    """A bank of eight rows, as the tests need it."""

    bank = ("features", "logits")

    def __init__(self):
        super().__init__()
        self.features = nn.Parameter(torch.zeros(8, 12))
        self.logits = nn.Parameter(torch.zeros(8, 5))
        self.bias = nn.Parameter(torch.zeros(5))


def dense():
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


BANK = Blueprint.of(Bank())
DENSE = Blueprint.of(dense())


@functools.cache
def arguments(blueprint, number):
    """Return the arguments that an operator takes."""
    return [a for a in range(256) if blueprint.allows(Gene(number, a))]


def random_gene(blueprint, rng, names=None):
    """Draw a gene of any operator of a blueprint, with an argument that it takes."""
    number = blueprint.number_of(rng.choice(names or blueprint.operator_names))
    strength = rng.randrange(-400, -100)
    return Gene(number, rng.choice(arguments(blueprint, number)), strength, rng.getrandbits(64))


def random_chain(blueprint, length, seed, names=None):
    """Return a lineage of random genes."""
    rng = Random(seed)
    lineage = Lineage.born(rng.getrandbits(64))
    for _ in range(length):
        lineage = lineage.append(random_gene(blueprint, rng, names))
    return lineage
