"""A million mutations of each kind: none leaves its domain or is stuck, integers round fairly."""

import math
import sys
from collections import Counter
from random import Random

import pytest

from clantune_core import (
    BoolAllele,
    FloatAllele,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    StringAllele,
)

LARGEST = sys.float_info.max
SMALLEST = 5e-324

CONTINUOUS = [
    FloatAllele(0.5),
    FloatAllele(0.0, (0.0, 1.0)),
    FloatAllele(0.0, (-1.0, 0.0)),
    FloatAllele(-3.0, (-5.0, -1.0)),
    FloatAllele(-1e9, (-1e9, 1e9)),
    FloatAllele(0.0, (-1e-300, 1e-300)),
    FloatAllele(0.0, (0.0, SMALLEST)),
    FloatAllele(1e16, (1e16, 1e16 + 2)),
    FloatAllele(1e308, (-1e308, LARGEST)),
    FloatAllele(7.0, (7.0, 7.0)),
    LogFloatAllele(1e-3),
    LogFloatAllele(1e-6, (1e-6, 1.0)),
    LogFloatAllele(1.0, (1.0, math.nextafter(1.0, 2.0))),
    LogFloatAllele(1e-300, (1e-300, 1e300)),
    LogFloatAllele(1e308, (1e307, LARGEST)),
    LogFloatAllele(0.1, (0.1, 0.1)),
    LogitFloatAllele(0.5),
    LogitFloatAllele(0.9, (0.9, 0.999)),
    LogitFloatAllele(1e-300, (1e-300, 1e-299)),
    LogitFloatAllele(0.5, (0.5, math.nextafter(0.5, 1.0))),
    LogitFloatAllele(0.3, (0.3, 0.3)),
    IntAllele(0),
    IntAllele(0, (0, 10)),
    IntAllele(0, (0, 1)),
    IntAllele(-3, (-7, -3)),
    IntAllele(1, (-1, 1)),
    IntAllele(-(2**53), (-(2**53), 1 - 2**53)),
    IntAllele(2**53, (0, 2**53)),
    IntAllele(5, (5, 5)),
]
DISCRETE = [
    BoolAllele(True),
    BoolAllele(False, (False,)),
    StringAllele("a", ("a", "b", "c")),
    StringAllele("only", ("only",)),
]
OF_A_KIND = Counter(map(type, CONTINUOUS + DISCRETE))
MUTATIONS = {kind: math.ceil(1_000_000 / alleles) for kind, alleles in OF_A_KIND.items()}
"""How often each allele mutates, by its kind: a million times all those of one kind together."""

SCALES = [1e-300, 1e-16, 1e-6, 0.01, 0.3, 1.0, 10.0, 1e3, 1e9, 1e150, 1e300]


def test_each_of_the_six_kinds_mutates_a_million_times():
    assert len(MUTATIONS) == 6
    assert all(MUTATIONS[kind] * alleles >= 1_000_000 for kind, alleles in OF_A_KIND.items())


@pytest.mark.parametrize("allele", CONTINUOUS, ids=repr)
def test_no_step_on_the_latent_line_leaves_the_domain(allele):
    rng = Random(repr(allele))
    low, high = allele.domain
    kind = type(allele.value)
    for _ in range(MUTATIONS[type(allele)]):
        allele = allele.with_latent(allele.latent + rng.gauss(0.0, rng.choice(SCALES)))
        assert low <= allele.value <= high
        assert type(allele.value) is kind
    assert type(allele)(allele.value, allele.domain).value == allele.value


@pytest.mark.parametrize("allele", DISCRETE, ids=repr)
def test_no_choice_leaves_the_domain(allele):
    rng = Random(repr(allele))
    seen = set()
    for _ in range(MUTATIONS[type(allele)]):
        allele = allele.with_value(rng.choice(allele.choices))
        assert allele.value in allele.domain
        seen.add(allele.value)
    assert seen == {*allele.domain}


@pytest.mark.parametrize("allele", CONTINUOUS, ids=repr)
def test_any_number_is_clipped_to_the_domain(allele):
    low, high = allele.domain
    for number in (0, -0.0, 1, -LARGEST, LARGEST, SMALLEST, -SMALLEST, 0.5, 1.5, 2**60, low, high):
        changed = allele.with_value(number)
        assert low <= changed.value <= high
        assert changed.value == allele.with_value(changed.value).value


@pytest.mark.parametrize(
    "allele",
    [
        FloatAllele(0.0, (-1.0, 1.0)),
        FloatAllele(0.0, (0.0, 1.0)),
        FloatAllele(0.0, (-1.0, 0.0)),
        IntAllele(0, (-5, 5)),
        IntAllele(0, (0, 5)),
        IntAllele(0, (-5, 0)),
        LogFloatAllele(1e-6, (1e-6, 1.0)),
        LogFloatAllele(1.0, (1e-6, 1.0)),
        LogFloatAllele(sys.float_info.min),
        LogitFloatAllele(sys.float_info.min),
        LogitFloatAllele(math.nextafter(1.0, 0.0)),
    ],
    ids=repr,
)
def test_neither_zero_nor_an_end_of_a_domain_holds_a_value_fast(allele):
    """From an end, half of the steps lead out of the domain; the other half must lead away."""
    rng = Random(1)
    steps = [allele.with_latent(allele.latent + rng.gauss(0.0, 2.0)) for _ in range(1000)]
    assert sum(moved.value != allele.value for moved in steps) > 300


@pytest.mark.parametrize("domain", [(-3, 4), (0, 7), (-7, -1), (0, 1), (-1, 0)])
def test_every_integer_of_a_domain_is_reached_both_ends_among_them(domain):
    rng = Random(1)
    allele = IntAllele(domain[0], domain)
    seen = set()
    for _ in range(2000):
        allele = allele.with_latent(allele.latent + rng.gauss(0.0, 1.0))
        seen.add(allele.value)
    assert seen == {*range(domain[0], domain[1] + 1)}


@pytest.mark.parametrize("start", [-5, 0, 5])
def test_symmetric_noise_has_no_mean_after_rounding(start):
    """Noise in -1.5 to 1.5 rounds to -1, 0 and 1, a third of the time each.

    The mean of n draws has a standard error of sqrt(2/3/n), the share of one value one of
    sqrt(2/9/n). Five of them are exceeded by chance once in two million tests; truncation would be
    off by a hundred and more.
    """
    rng, count = Random(start), 100_000
    allele = IntAllele(start)
    moves = [allele.with_latent(start + rng.uniform(-1.5, 1.5)).value - start for _ in range(count)]
    assert abs(math.fsum(moves) / count) < 5 * math.sqrt(2 / 3 / count)
    for move in (-1, 0, 1):
        assert abs(moves.count(move) / count - 1 / 3) < 5 * math.sqrt(2 / 9 / count)


@pytest.mark.parametrize("step", [0.25, 0.1, 0.001, -0.1])
def test_small_steps_on_an_integer_add_up(step):
    allele = IntAllele(0, (-10, 10))
    for _ in range(round(abs(3 / step))):
        allele = allele.with_latent(allele.latent + step)
    assert allele.value == math.copysign(3, step)
    assert math.isclose(allele.latent, allele.value, abs_tol=1e-9)
