"""The kinds of numbers without a known scale."""

import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clantune_core import AlleleError, from_json, to_json
from clantune_core.testing import alleles, kind_conforms
from clantune_store import SymlogFloatAllele, SymlogIntAllele
from clantune_store.space.kinds import WIDE, symlog


@st.composite
def scaled(draw, whole):
    """Alleles as a space makes them: open, half-open and closed, with all sizes of units."""
    # In closed domains of 1e6 and more, floats lose the digits of values near zero.
    size = 10.0 ** draw(st.integers(0 if whole else -12, 5))
    numbers = [draw(st.floats(-1, 1)) * size for _ in range(3)]
    low, value, high = sorted(round(n) if whole else n for n in numbers)
    domain = draw(st.sampled_from([None, (low, None), (None, high), (low, high)]))
    return symlog(value, domain, draw(st.sampled_from([None, size])), whole=whole)


@kind_conforms(alleles(SymlogFloatAllele))
def test_symlog_float(law):
    law()


@kind_conforms(alleles(SymlogIntAllele))
def test_symlog_int(law):
    law()


@kind_conforms(scaled(whole=False))
def test_symlog_float_with_a_scale(law):
    law()


@kind_conforms(scaled(whole=True))
def test_symlog_int_with_a_scale(law):
    law()


@given(scaled(whole=False), st.floats(-3, 3))
def test_a_step_is_the_same_for_a_value_and_its_negative(allele, step):
    mirrored = SymlogFloatAllele(
        -allele.value,
        (-allele.domain.max, -allele.domain.min),
        origin=-allele.origin,
        unit=allele.unit,
    )
    there = allele.with_latent(allele.latent + step).value
    assert mirrored.with_latent(mirrored.latent - step).value == -there


def test_a_step_is_relative_far_from_zero_and_absolute_around_it():
    far = symlog(1e9, None, 1.0, whole=False)
    assert far.with_latent(far.latent + 0.1).value == pytest.approx(1e9 * math.exp(0.1))
    zero = symlog(0.0, None, None, whole=False)
    assert zero.with_latent(0.1).value == pytest.approx(0.1, rel=0.01)
    assert zero.with_latent(-0.1).value == pytest.approx(-0.1, rel=0.01)


@pytest.mark.parametrize(
    ("value", "domain", "whole", "origin", "unit"),
    [
        (12.3, None, False, 0.0, 12.3),
        (-12.3, (None, 5), False, 0.0, 12.3),
        (0.0, None, False, 0.0, 1.0),
        (9.0, (0, 50), False, 25.0, 12.5),
        (9.0, (9, 9), False, 9.0, 1.0),
        (0, None, True, 0.0, 2.0),
        (40, None, True, 0.0, 40.0),
        (1, (0, 3), True, 1.5, 2.0),
        (900, (0, 1000), True, 500.0, 250.0),
    ],
)
def test_the_scale_follows_from_value_and_domain(value, domain, whole, origin, unit):
    made = symlog(value, domain, None, whole=whole)
    assert (made.value, made.origin, made.unit) == (value, origin, unit)


def test_zero_and_one_can_change_as_whole_numbers():
    for value in (0, 1):
        allele = symlog(value, None, None, whole=True)
        reached = {allele.with_latent(allele.latent + step / 10).value for step in range(-9, 10)}
        assert reached >= {value - 1, value, value + 1}
        assert all(type(number) is int for number in reached)


def test_the_ends_of_the_line_are_reached_with_the_smallest_unit():
    allele = SymlogFloatAllele(1.0, unit=5e-324)
    assert math.isfinite(allele.with_value(WIDE).latent)
    assert allele.with_latent(1e300).value == WIDE
    assert allele.with_latent(-1e300).value == -WIDE
    back = allele.with_latent(-1e300).with_latent(allele.latent)
    assert back.value == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize("kind", [SymlogFloatAllele, SymlogIntAllele])
def test_the_scale_is_kept_in_saved_data(kind):
    allele = kind(3, (0, 10), origin=5, unit=2)
    assert from_json(to_json(allele), kind) == allele == pickle.loads(pickle.dumps(allele))
    assert allele.with_value(7).unit == 2.0


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        ({"unit": 0}, "the unit must be above 0 and up to 4.49423e+307; got 0"),
        ({"unit": -1.5}, "the unit must be above 0 and up to 4.49423e+307; got -1.5"),
        ({"unit": math.nan}, "the unit must be above 0 and up to 4.49423e+307; got nan"),
        ({"unit": "1"}, "the unit must be a number; got '1'"),
        (
            {"origin": math.inf},
            "the origin must be from -4.49423e+307 and up to 4.49423e+307; got inf",
        ),
        ({"origin": True}, "the origin must be a number; got True"),
    ],
)
def test_an_impossible_scale_is_refused(scale, message):
    with pytest.raises(AlleleError) as info:
        SymlogFloatAllele(1.0, **scale)
    assert str(info.value) == message
