"""Laws are tried on fewer cases here: strategies are many, and the kit has tests of its own."""

import math
from collections import Counter

import pytest
from hypothesis import settings

# Made once: each profile points to the one it was made from, and a chain of a thousand is too long.
settings.register_profile(
    "few", settings.default, max_examples=min(settings.default.max_examples, 25)
)


@pytest.fixture(autouse=True)
def few_examples():
    usual = settings.get_current_profile_name()
    settings.load_profile("few")
    yield
    settings.load_profile(usual)


def _bound(draws):
    """Return how far an empirical distribution may be off: further comes once in a million.

    Dvoretzky, Kiefer and Wolfowitz, with the constant of Massart; it holds for every number of
    draws and every distribution. For one proportion it is the bound of Hoeffding.
    """
    return math.sqrt(math.log(2 / 1e-6) / (2 * draws))


@pytest.fixture
def assert_follows():
    """Check that numbers were drawn from a continuous distribution."""

    def check(draws, distribution_function):
        count = len(draws)
        assert count, "nothing was drawn"
        for place, number in enumerate(sorted(draws)):
            below = distribution_function(number)
            assert max(below - place / count, (place + 1) / count - below) < _bound(count)

    return check


@pytest.fixture
def assert_occurs():
    """Check that outcomes were drawn with given probabilities, and no others."""

    def check(draws, probabilities):
        counts, count = Counter(draws), len(draws)
        assert count, "nothing was drawn"
        assert counts.keys() <= probabilities.keys()
        for outcome, probability in probabilities.items():
            assert abs(counts[outcome] / count - probability) < _bound(count), outcome

    return check
