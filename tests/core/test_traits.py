"""The traits of settings: kind, domain and flags of a gene by the name of its setting."""

import math

import pytest

from clantune_core import FloatAllele, LogFloatAllele, LogitFloatAllele
from clantune_core.contracts import Trait, trait_at

GROUP = "optimizer/param_groups/0/"


@pytest.mark.parametrize(
    ("path", "kind", "evolves"),
    [
        (f"{GROUP}lr", LogFloatAllele, True),
        ("optimizer/param_groups/12/weight_decay", LogFloatAllele, True),
        (f"{GROUP}betas/0", LogitFloatAllele, False),
        (f"{GROUP}betas/1", LogitFloatAllele, False),
        (f"{GROUP}eps", LogFloatAllele, False),
        (f"{GROUP}eps/1", LogFloatAllele, False),
        (f"{GROUP}etas/0", LogitFloatAllele, True),
        (f"{GROUP}etas/1", LogFloatAllele, True),
        (f"{GROUP}beta2_decay", FloatAllele, False),
        ("model/encoder/0/p", LogitFloatAllele, True),
        ("model/attention/dropout", LogitFloatAllele, True),
        ("model/loss/label_smoothing", LogitFloatAllele, True),
    ],
)
def test_a_setting_is_known_by_its_path(path, kind, evolves):
    trait = trait_at(path)
    assert (trait.kind, trait.evolves) == (kind, evolves)


@pytest.mark.parametrize(
    "path", ["optimizer/param_groups/0/unheard_of", "model/0/alpha", "model/lr", "lr", ""]
)
def test_another_place_has_no_trait(path):
    assert trait_at(path) is None


def test_an_allele_has_the_first_value_that_the_kind_can_hold():
    trait = Trait(LogFloatAllele, 1e-9, 10.0, reach=1000.0, evolves=False)
    allele = trait.allele([0.0, 0.1, 0.2])
    assert allele.value == 0.1
    assert allele.domain == (0.1 / 1000, 10.0)
    assert not allele.can_mutate
    assert not allele.can_crossbreed
    assert trait.allele([0.0, -1.0, math.nan]) is None
    assert trait.allele([]) is None


def test_a_domain_includes_all_values():
    trait = Trait(LogitFloatAllele, 0.1, 0.9)
    assert trait.allele([0.05, 0.95]).domain == (0.05, 0.95)


@pytest.mark.parametrize("kind", [FloatAllele, LogFloatAllele])
def test_a_strict_domain_keeps_the_values_at_all_paths_inside(kind):
    trait = Trait(kind, 1.0, 10.0, is_strict=True)
    allele = trait.allele([2.0, 4.0, 1.5])
    shifts = [allele.to_latent(value) - allele.latent for value in (2.0, 4.0, 1.5)]
    for end in allele.domain:
        moved = [allele.from_latent(allele.to_latent(end) + shift) for shift in shifts]
        assert min(moved) >= 1.0 - 1e-12
        assert max(moved) <= 10.0 + 1e-12
    assert trait.allele([2.0, 2.0]).domain == (1.0, 10.0)


def test_a_strict_domain_includes_a_value_beyond_it():
    trait = Trait(LogFloatAllele, 1.01, 2.0, is_strict=True)
    assert trait.allele([1.005]).domain == (1.005, 2.0)
    assert trait.allele([3.0]).domain == (1.01, 3.0)
