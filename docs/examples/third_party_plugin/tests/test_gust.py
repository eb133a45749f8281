"""Gust and AngleAllele keep every law of the kit, and a gust moves directions past north."""

from random import Random

from clantune_compass import AngleAllele, Gust
from hypothesis import given
from hypothesis import strategies as st

from clantune_core import Genome, deserialize, load_strategy, serialize, strategies
from clantune_core.testing import alleles, conforms, kind_conforms


@conforms(st.builds(Gust, chance=st.floats(0, 1), strength=st.floats(0, 10)))
def test_gust(law):
    law()


@kind_conforms(alleles(AngleAllele))
def test_angle(law):
    law()


def test_it_is_loaded_by_its_name():
    assert [s.distribution for s in strategies() if s.name == "gust"] == ["clantune-compass"]
    assert load_strategy("gust", chance=0.5) == Gust(chance=0.5)


def test_it_is_saved_by_its_name():
    saved = serialize(Gust(strength=3.0))
    assert saved["strategy"] == "gust"
    assert deserialize(saved, Gust) == Gust(strength=3.0)


@given(alleles(AngleAllele), st.floats(-1e6, 1e6))
def test_a_direction_stays_on_the_compass(angle, turn):
    assert 0 <= angle.with_latent(angle.latent + turn).value < 360


def test_directions_on_both_sides_of_north_are_close():
    assert AngleAllele(359.0).distance(AngleAllele(1.0)) == 2.0


def test_a_part_of_the_circle_ends():
    east = AngleAllele(90.0, (45.0, 135.0))
    assert east.with_latent(400.0).value == 135.0


def test_it_moves_a_direction_past_north():
    genome = Genome({"wind": AngleAllele(359.0)})
    blown = [
        Gust(chance=1.0, strength=5.0).apply_strategy(genome, Random(seed)).alleles["wind"].value
        for seed in range(50)
    ]
    assert min(blown) < 20
    assert max(blown) > 340
