"""Cases that are drawn once for many laws: drawing a case takes ten times as long as trying it."""

import pickle

import attrs
from hypothesis import strategies as st

from clantune_core import AbstractMutationStrategy
from clantune_core.testing.cases import cases
from clantune_core.testing.laws import in_several_cases


class _Still(AbstractMutationStrategy):
    def handle_mutating(self, allele):
        return allele


class DrawnCases:
    """Cases without their strategy. Each law gets copies: a strategy may meddle with its own."""

    def __init__(self, number, *, genes=None):
        drawn = []
        in_several_cases(number)(drawn.extend, cases(st.builds(_Still), genes=genes))
        self._cases = sorted(map(pickle.dumps, drawn), key=len)  # hypothesis shrinks to the first

    def under(self, law, strategies):
        """Return the law, to be tried on these cases with these strategies."""
        return attrs.evolve(law, cases=self._cases_with(strategies))

    def some(self, number, strategies):
        """Return so many cases with these strategies."""
        drawn = []
        in_several_cases(number)(drawn.extend, self._cases_with(strategies))
        return drawn

    def _cases_with(self, strategies):
        return st.builds(_with, st.sampled_from(self._cases), strategies)


def _with(case, strategy):
    return attrs.evolve(pickle.loads(case), strategy=strategy)
