"""Laws are tried on fewer cases here: strategies are many, and the kit has tests of its own."""

import pytest
from hypothesis import settings


@pytest.fixture(autouse=True)
def few_examples():
    usual = settings()
    settings.register_profile("usual", usual)
    settings.register_profile("few", usual, max_examples=min(usual.max_examples, 25))
    settings.load_profile("few")
    yield
    settings.load_profile("usual")
