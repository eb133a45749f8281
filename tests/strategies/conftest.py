"""What tests of strategies share: checks of random draws, and how many cases a law is tried on."""

import math
from collections import Counter

import pytest
from hypothesis import settings


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


@pytest.fixture
def few_examples():
    """Laws are tried on few of the cases that were drawn once for all of them."""
    usual = settings.get_current_profile_name()
    number = min(settings.default.max_examples, 25)
    settings.register_profile("few", settings.get_profile(usual), max_examples=number)
    settings.load_profile("few")
    yield
    settings.load_profile(usual)
