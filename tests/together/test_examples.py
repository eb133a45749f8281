"""Which examples hypothesis draws: the same in every run, or new ones that can be drawn again."""

import re
import shutil
import subprocess
import sys

import pytest

TEST = """
from hypothesis import given, strategies as st

@given(st.integers())
def test_prints(number):
    print("drew", number)

@given(st.integers())
def test_fails(number):
    assert number < 3
"""


@pytest.fixture
def run(root, tmp_path):
    """Run a test below the conftest.py of this repository; return what pytest printed."""
    shutil.copy(root / "conftest.py", tmp_path)
    (tmp_path / "test_drawn.py").write_text(TEST)

    def run(*arguments):
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "1 failed, 1 passed" in done.stdout, done.stdout
        return done.stdout

    return run


def drawn(printed):
    return [int(number) for number in re.findall(r"^drew (-?\d+)$", printed, re.MULTILINE)]


def test_every_run_draws_the_same_examples(run):
    first, second = run(), run()
    assert len(drawn(first)) >= 10
    assert drawn(first) == drawn(second)
    assert "@reproduce_failure(" in first
    assert "RANDOM" not in first


def test_a_seed_draws_new_examples_and_a_failure_says_how_to_draw_them_again(run):
    first, again, other = (run(f"--hypothesis-seed={seed}") for seed in (5, 5, 6))
    assert drawn(first) == drawn(again) != drawn(other)
    assert "@reproduce_failure(" in first
    assert "To draw these examples again: make test RANDOM=5\n" in first
