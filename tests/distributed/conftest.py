"""Ranks: processes that tests share, see `ranks.py`."""

import pytest
from forks import Forks
from ranks import ranks_of_a_pool


@pytest.fixture(scope="session")
def ranks():
    """Ranks by their number, in processes that all tests share."""
    yield from ranks_of_a_pool()


@pytest.fixture(scope="module")
def other_ranks():
    """Ranks by their number, in processes that have done nothing before this module."""
    yield from ranks_of_a_pool()


@pytest.fixture(scope="session")
def forks():
    """Ranks that may die, see `forks.py`."""
    made = Forks()
    yield made
    made.stop()
