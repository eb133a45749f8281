"""The best member of a run, as plain PyTorch."""

from __future__ import annotations

import copy
from typing import Any

import attrs
import torch
from torch import nn

from clantune_core import Genome
from clantune_neuro.evaluation.record import Record
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.replay.nursery import Nursery
from clantune_neuro.run.members import lineage_of


@attrs.frozen(eq=False)
class Best:
    """The best member of a population.

    Attributes:
        genome: The member.
        generation: Generation of the population.
    """

    genome: Genome
    generation: int
    _network: nn.Module = attrs.field(repr=False)
    _nursery: Nursery = attrs.field(repr=False)

    @property
    def lineage(self) -> Lineage:
        """Its lineage: a text of 16 characters per gene."""
        return lineage_of(self.genome)

    @property
    def score(self) -> float:
        """Its base score, higher is better; NaN if all members are dead."""
        base = Record.of(self.genome).base
        return float("nan") if base is None else base

    def weights(self) -> dict[str, torch.Tensor]:
        """Return its weights by name of the parameter."""
        return self._nursery.weights(self.lineage)

    def module(self) -> nn.Module:
        """Return a copy of the network with its weights."""
        made = copy.deepcopy(self._network)
        parameters = dict(made.named_parameters())
        with torch.no_grad():
            for name, value in self.weights().items():
                parameters[name].copy_(value)
        return made

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the network with its weights, as `torch.save` takes it."""
        return self.module().state_dict()
