"""Blueprints and chains that several tests use."""

import torch
from torch import nn

from clantune_neuro import Blueprint
from clantune_neuro.selftest.chains import random_chain, random_gene

__all__ = ["BANK", "DENSE", "Bank", "dense", "random_chain", "random_gene"]


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
