"""Calibration: a search for the learning rate, whose rounds all start from the first weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from clantune_clan.errors import ClanError
from clantune_clan.member.state import State
from clantune_clan.run.learning_rate import genes_of_rates
from clantune_core import ContinuousAllele, Genome

SPREADS = (10.0, 3.3, 2.2)
"""Factor between the centre and the outermost members, in each round of the search."""

LAST = 4
"""A member is judged by the mean of its weights over the last 1 / LAST of a round."""


@attrs.frozen(eq=False)
class Calibration:
    """Rounds in which members try learning rates around a centre, each alone on the same data.

    Attributes:
        genome: Genome that the search starts from.
        first: State of model, optimizer and average before the first step.
        registered: State of each registered object before the first step, by name.
        shift: Distance that the centre has moved, on the latent line.
        round: Number of rounds of the search that are done.
    """

    genome: Genome
    first: Mapping[str, Any] = attrs.field(repr=False)
    registered: Mapping[str, Any] = attrs.field(repr=False)
    shift: float = 0.0
    round: int = 0

    @classmethod
    def of(cls, state: State, num_members: int, registered: Mapping[str, Any]) -> Calibration:
        """Begin a search from the current state and the current state of registered objects.

        Raises:
            ClanError: No gene sets a learning rate, or the clan has one member.
        """
        if not _rates(state.genome):
            raise ClanError(
                "calibrate=True searches for the learning rate, and no gene sets one: bind it, as "
                "autobind=['adamw'] does"
            )
        if num_members < 2:
            raise ClanError("calibrate=True compares members, and this clan has one")
        first = {name: part for name, part in state.state_dict().items() if name != "genome"}
        others = {name: thing.state_dict() for name, thing in registered.items()}
        return cls(state.genome, copy.deepcopy(first), copy.deepcopy(others))

    @property
    def is_over(self) -> bool:
        """Whether all rounds of the search are done."""
        return self.round == len(SPREADS)

    def genome_of(self, member: int, num_members: int) -> Genome:
        """Return a member's genome for the next round, with its own learning rate."""
        return self._with_shift(self.shift + self._offset(member, num_members))

    def judged(self, fitnesses: Sequence[float]) -> Calibration:
        """Return the search after a round. The learning rate of the best member is its centre."""
        best = min(range(len(fitnesses)), key=fitnesses.__getitem__)
        moved = self.shift + self._offset(best, len(fitnesses))
        return attrs.evolve(self, shift=moved, round=self.round + 1)

    def rewind(self, state: State, registered: Mapping[str, Any]) -> None:
        """Restore the first weights."""
        state.load_state_dict({**copy.deepcopy(self.first), "genome": state.genome.serialize()})
        for name, thing in registered.items():
            thing.load_state_dict(copy.deepcopy(self.registered[name]))

    def found(self) -> Genome:
        """Return the first genome of the run, with half of the best learning rate.

        The best learning rate over a few steps is too high for a long run.
        """
        return self._with_shift(self.shift - math.log(2.0))

    def _offset(self, member: int, num_members: int) -> float:
        return math.log(SPREADS[self.round]) * (2.0 * member / (num_members - 1) - 1.0)

    def _with_shift(self, shift: float) -> Genome:
        moved = {n: a.with_latent(a.latent + shift) for n, a in _rates(self.genome).items()}
        return self.genome.with_alleles({**self.genome.alleles, **moved})

    def state_dict(self) -> dict[str, Any]:
        """Return tensors and plain data."""
        return {**attrs.asdict(self, recurse=False), "genome": self.genome.serialize()}

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Calibration:
        """Return the object that `state_dict` described."""
        return cls(**{**state, "genome": Genome.deserialize(state["genome"])})


def _rates(genome: Genome) -> dict[str, ContinuousAllele]:
    alleles = {name: genome.alleles[name] for name in genes_of_rates(genome)}
    return {name: a for name, a in alleles.items() if isinstance(a, ContinuousAllele)}
