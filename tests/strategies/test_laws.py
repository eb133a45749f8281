"""Every strategy keeps every law of the kit."""

import pytest
from hypothesis import strategies as st

import clantune_strategies
from clantune_core import strategies
from clantune_core.testing import laws
from clantune_strategies import Cauchy, Dominant, Gaussian, PerGene, PerGenome, Tournament

_sizes = st.floats(0.001, 10)
_chances = st.floats(0, 1)
_learned = st.sampled_from([(), ("size",), ("chance",), ("size", "chance")])

CONFIGURED = {
    # selection
    Tournament: st.builds(
        Tournament,
        size=st.integers(1, 5),
        tournaments=st.integers(1, 5),
        smoothing=st.floats(0, 2),
    ),
    # crossbreeding
    Dominant: st.builds(Dominant),
    PerGene: st.builds(PerGene),
    PerGenome: st.builds(PerGenome),
    # mutation
    Gaussian: st.builds(Gaussian, std=_sizes, chance=_chances, learns=_learned),
    Cauchy: st.builds(Cauchy, scale=_sizes, chance=_chances, learns=_learned),
}
"""How each is configured; a new strategy has its line here."""


@pytest.mark.parametrize(
    "law",
    [
        pytest.param(law, id=f"{kind.__name__}-{law.name}")
        for kind, configured in CONFIGURED.items()
        for law in laws(configured)
    ],
)
def test_a_strategy_keeps_a_law(law):
    law()


def test_no_strategy_is_left_out():
    exported = {getattr(clantune_strategies, name) for name in clantune_strategies.__all__}
    published = {
        found.load() for found in strategies() if found.distribution == "clantune-strategies"
    }
    assert {kind for kind in exported if isinstance(kind, type)} == set(CONFIGURED)
    assert published == set(CONFIGURED)
