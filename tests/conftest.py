"""Hypothesis profiles: `FAST=1` for ten examples, `CI` for the same examples every time."""

import os

from hypothesis import settings

settings.register_profile("default", max_examples=100, deadline=None)
settings.register_profile("fast", max_examples=10, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True, print_blob=True)
settings.load_profile(
    "fast" if os.environ.get("FAST") == "1" else "ci" if os.environ.get("CI") else "default"
)
