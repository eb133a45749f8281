"""The length of a run of Lightning in batches, from its limits in epochs and steps."""

import math
from types import SimpleNamespace

import pytest

from clantune_frameworks.lightning.data import length_of_run, limited


@pytest.mark.parametrize(
    ("max_epochs", "max_steps", "accumulate", "batches", "length"),
    [
        (2, -1, 1, 6, 12),
        (None, 9, 1, 6, 9),
        (-1, 9, 1, 6, 9),
        (2, 9, 1, 6, 9),
        (1, 9, 1, 6, 6),
        (-1, 7, 3, 5, 18),  # 3 epochs of 2 steps, and 3 batches
        (-1, 7, 3, math.inf, 21),
        (3, -1, 1, math.inf, None),
        (-1, -1, 1, 6, None),
        (0, -1, 1, 6, None),
    ],
)
def test_the_length_of_a_run(max_epochs, max_steps, accumulate, batches, length):
    trainer = SimpleNamespace(
        max_epochs=max_epochs, max_steps=max_steps, accumulate_grad_batches=accumulate
    )
    assert length_of_run(trainer, batches, by_hand=False) == length


def test_steps_of_several_optimizers_do_not_say_how_many_batches_there_are():
    trainer = SimpleNamespace(max_epochs=-1, max_steps=9, accumulate_grad_batches=1)
    assert length_of_run(trainer, 6, by_hand=True) is None


def test_limits_are_numbers_or_shares_of_batches():
    assert [limited(10, limit) for limit in (4, 40, 0.5, 1.0, None)] == [4, 10, 5, 10, 10]
    assert (limited(None, 4), limited(None, 1.0)) == (4, math.inf)
