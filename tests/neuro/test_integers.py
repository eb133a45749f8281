"""Exact arithmetic of integers in tensors."""

import math

import torch
from hypothesis import example, given
from hypothesis import strategies as st

from clantune_neuro.replay.integers import divided, powers, row_norms, scaled, square_root


def tensor(*values):
    return torch.tensor(values, dtype=torch.int64)


def test_powers_are_the_nearest_integers():
    for count in (64, 256):
        assert powers(count)[0] == 2**20
        for k, power in enumerate(powers(count)):
            assert abs(power - 2 ** (k / count + 20)) < 0.5001


@given(st.integers(-(2**40), 2**40), st.integers(1, 2**21), st.integers(1, 62))
def test_scaling_rounds_to_the_nearest_integer(value, factor, shift):
    (found,) = scaled(tensor(value), factor, shift).tolist()
    assert found == (value * factor + 2 ** (shift - 1)) // 2**shift
    assert abs(found * 2**shift - value * factor) <= 2 ** (shift - 1)


@given(st.integers(0, 2**31))
@example(2**31)
@example(0)
def test_a_square_root_is_exact_around_squares(root):
    near = [square for square in (root**2 - 1, root**2, root**2 + 1) if 0 <= square <= 2**62]
    assert square_root(tensor(*near)).tolist() == [math.isqrt(square) for square in near]


@given(st.integers(-(2**61), 2**61), st.integers(1, 2**32))
def test_a_quotient_is_rounded_half_up(value, divisor):
    assert divided(tensor(value), tensor(divisor)).item() == (2 * value + divisor) // (2 * divisor)


@given(st.lists(st.integers(-(2**30), 2**30), min_size=1, max_size=20))
def test_norms_of_rows_are_exact_or_refused(row):
    found = row_norms(torch.tensor([row], dtype=torch.int32))
    total = sum(x * x for x in row)
    if found is None:
        assert total > 2**61
    else:
        assert found.tolist() == [math.isqrt(total)]
    assert found is not None or total > 2**61
    assert found is None or total <= 2**62
