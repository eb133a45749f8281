"""Calibration: a search for the learning rate before the run, from the first weights each time."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.member.state import State
from clantune_core import ContinuousAllele, Genome
from clantune_core.contracts import Expressed

SPREADS = (10.0, 3.3, 2.2)
"""How far the outermost members stand off, as a factor, in each round of the search."""

LAST = 4
"""A member is judged by the mean of its weights over the last part of a round: one in so many."""


class Calibration:
    """Rounds in which members try learning rates around a centre, each alone on the same data."""

    def __init__(
        self, state: State, communicator: Communication, registered: Mapping[str, Any]
    ) -> None:
        """Begin from the state as it is, and that of what is registered.

        Raises:
            ClanError: There is no gene for a learning rate, or nobody to compare with.
        """
        self._state = state
        self._communicator = communicator
        self._genome = state.genome
        self._rates = {
            name: allele
            for name, allele in state.genome.alleles.items()
            if isinstance(allele, ContinuousAllele)
            and any(path.endswith("/lr") for path in Expressed.of(name, allele).path)
        }
        if not self._rates:
            raise ClanError(
                "calibrate=True searches for the learning rate, and no gene sets one: bind it, as "
                "autobind=['adamw'] does"
            )
        if communicator.num_members < 2:
            raise ClanError("calibrate=True compares members, and there is one only")
        self._registered = registered
        self._first = copy.deepcopy({n: v for n, v in state.state_dict().items() if n != "genome"})
        self._others = copy.deepcopy({n: thing.state_dict() for n, thing in registered.items()})
        self._shift = 0.0  # of the centre from where it began, on the latent line
        self._round = 0

    @property
    def is_over(self) -> bool:
        """Whether all rounds of the search are done."""
        return self._round == len(SPREADS)

    def factor(self, place: int, length: int) -> float:
        """Return what the rate is multiplied with: it rises over the first half of a round."""
        return min(1.0, (place + 1) / max(1.0, length / 2))

    def place(self) -> Genome:
        """Return this member's genome for the next round: its rate off the centre."""
        return self._with_shift(self._shift + self._offset(self._communicator.member_index))

    def judge(self, fitnesses: Sequence[float]) -> None:
        """Move the centre to the best member and go back to the first weights."""
        best = min(range(len(fitnesses)), key=fitnesses.__getitem__)
        self._shift += self._offset(best)
        self._round += 1
        self._rewind()

    def found(self) -> Genome:
        """Return the genome that the run begins with: at half of the best rate.

        What is best over a few steps is more than a long run stands.
        """
        return self._with_shift(self._shift - math.log(2.0))

    def _offset(self, member: int) -> float:
        last = self._communicator.num_members - 1
        return math.log(SPREADS[self._round]) * (2.0 * member / last - 1.0)

    def _with_shift(self, shift: float) -> Genome:
        moved = {n: allele.with_latent(allele.latent + shift) for n, allele in self._rates.items()}
        return self._genome.with_alleles({**self._genome.alleles, **moved})

    def _rewind(self) -> None:
        first = copy.deepcopy(self._first)
        genome = self._state.genome.serialize()
        self._state.load_state_dict({**first, "genome": genome})
        for name, thing in self._registered.items():
            thing.load_state_dict(copy.deepcopy(self._others[name]))
