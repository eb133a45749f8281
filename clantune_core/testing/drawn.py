"""Cases that are drawn once for many laws: drawing a case takes ten times as long as trying it."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from typing import Any

import attrs
from hypothesis import strategies as st

from clantune_core.alleles import AbstractAllele
from clantune_core.strategies import AbstractMutationStrategy, AbstractStrategy
from clantune_core.testing.cases import Case, cases
from clantune_core.testing.generators import Genes
from clantune_core.testing.laws import Law, in_several_cases


class _Still(AbstractMutationStrategy):
    def handle_mutating(self, allele: AbstractAllele) -> AbstractAllele:
        return allele


class DrawnCases:
    """Cases without their strategy. Each law gets copies: a strategy may meddle with its own."""

    def __init__(
        self,
        number: int,
        *,
        genes: Sequence[Genes | None] = (None,),
        completed: Callable[[Case], Case] = lambda case: case,
    ) -> None:
        """Draw cases.

        Args:
            number: How many.
            genes: The genes of the cases, see `laws`; each case has those of one entry.
            completed: Returns a case with what the strategies need.
        """
        drawn: list[Case] = []
        incomplete = st.one_of(*(cases(st.builds(_Still), genes=each) for each in genes))
        in_several_cases(number)(drawn.extend, incomplete.map(completed))
        self._cases = sorted(map(pickle.dumps, drawn), key=len)  # hypothesis shrinks to the first

    def under(self, law: Law, strategies: st.SearchStrategy[AbstractStrategy]) -> Law:
        """Return the law, to be tried on these cases with these strategies."""
        return attrs.evolve(law, cases=self._cases_with(strategies))

    def some(self, number: int, strategies: st.SearchStrategy[AbstractStrategy]) -> list[Case]:
        """Return so many cases with these strategies."""
        drawn: list[Case] = []
        in_several_cases(number)(drawn.extend, self._cases_with(strategies))
        return drawn

    def _cases_with(
        self, strategies: st.SearchStrategy[AbstractStrategy]
    ) -> st.SearchStrategy[Case]:
        return st.builds(_with, st.sampled_from(self._cases), strategies)


def on_drawn_cases(laws: Sequence[Law], number: int) -> list[Law]:
    """Return the laws of one class, to be tried on so many cases that are drawn once for all."""
    drawn: list[Any] = []
    for law in laws[:1]:
        law.collect(number, drawn.extend)
    try:
        copies = sorted(map(pickle.dumps, drawn), key=len)
    except Exception:  # noqa: BLE001  (a law reports it)
        return [*laws]
    again = st.sampled_from(copies or [b""]).map(pickle.loads)
    return [attrs.evolve(law, cases=again) for law in laws]


def _with(case: bytes, strategy: AbstractStrategy) -> Case:
    copy: Case = pickle.loads(case)  # noqa: S301  (our own bytes)
    return attrs.evolve(copy, strategy=strategy)
