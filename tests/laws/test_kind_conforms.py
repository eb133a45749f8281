"""All kinds of the core keep all laws for kinds; how the kit is used for kinds of third parties."""

import re
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from clantune_compass import AngleAllele
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from clantune_core import (
    AbstractAllele,
    AlleleError,
    BoolAllele,
    ClanTuneError,
    ContinuousAllele,
    DiscreteAllele,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    Range,
    StringAllele,
    allele_kind,
)
from clantune_core.testing import (
    LawBroken,
    all_kind_laws,
    alleles,
    kind_conforms,
    kind_laws,
    populations,
    register_alleles,
)
from clantune_core.testing.alleles import EVERY_KIND
from clantune_core.testing.kind_laws import STEPS, KindCase, adds_up_small_steps
from clantune_core.testing.unfamiliar import OrderAllele, PowerOfTwoAllele

SIX = (FloatAllele, LogFloatAllele, LogitFloatAllele, IntAllele, BoolAllele, StringAllele)


@pytest.fixture(autouse=True)
def few_examples() -> Iterator[None]:
    """A quarter of the examples: the laws are many, and each is tried on ten kinds."""
    usual = settings.get_current_profile_name()
    fewer = min(settings().max_examples, 25)
    settings.register_profile("quarter", settings.get_profile(usual), max_examples=fewer)
    settings.load_profile("quarter")
    yield
    settings.load_profile(usual)


def test_the_kit_draws_the_kinds_of_the_core_and_two_that_no_strategy_knows():
    assert {*EVERY_KIND} == {*SIX, PowerOfTwoAllele, OrderAllele}


@pytest.mark.parametrize(
    "law",
    [
        pytest.param(law, id=f"{kind.__name__}-{law.name}")
        for kind in EVERY_KIND
        for law in kind_laws(alleles(kind))
    ],
)
def test_a_kind_keeps_a_law(law):
    law()


@allele_kind("kit_root")
@attrs.frozen(repr=False)
class Root(ContinuousAllele):
    """A kind as a third party writes it, whose `from_latent` overflows."""

    widest = Range(0.0, 1e150)

    def to_latent(self, value: float) -> float:
        return value**0.5

    def from_latent(self, latent: float) -> float:
        return max(latent, 0.0) ** 2


@allele_kind("kit_size")
@attrs.frozen(repr=False)
class Size(DiscreteAllele):
    """A kind that has no widest domain."""

    def check_domain(self, domain: Any) -> tuple[int, ...]:
        return self.check_choices(domain, int)


@allele_kind("kit_pair")
@attrs.frozen(repr=False)
class Pair(AbstractAllele):
    """A kind that is neither continuous nor discrete: two numbers."""

    def check_domain(self, domain: Any) -> None:
        if domain is not None:
            raise AlleleError(f"Pair has no domain; got {domain}")

    def check_value(self, value: Any) -> tuple[int, int]:
        if isinstance(value, tuple | list) and [*map(type, value)] == [int, int]:
            return (value[0], value[1])
        raise AlleleError(f"Pair holds two whole numbers; got {value!r}")

    def with_value(self, value: Any) -> "Pair":
        return attrs.evolve(self, value=value)


@kind_conforms(alleles(Root))
def test_a_continuous_kind_of_a_third_party_is_derived(law):
    law()


sizes = st.lists(st.integers(), min_size=1, unique=True).map(lambda some: Size(some[0], some))


@kind_conforms(sizes)
def test_instances_can_be_given(law):
    law()


@kind_conforms(st.builds(Pair, st.tuples(st.integers(-9, 9), st.integers(-9, 9))))
def test_a_kind_may_be_neither_continuous_nor_discrete(law):
    law()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Size, "AlleleError: a domain of Size must be a tuple of distinct int values; got None"),
        (Pair, "it is neither continuous nor discrete"),
        (ContinuousAllele, "AttributeError: type object 'ContinuousAllele' has no attribute"),
    ],
)
def test_a_kind_that_the_kit_cannot_derive_is_refused_at_once(kind, reason):
    with pytest.raises(ClanTuneError) as caught:
        alleles(kind)
    name = kind.__name__
    assert str(caught.value).startswith(f"the kit cannot derive alleles of {name}: {reason}")
    assert str(caught.value).endswith(
        f"; register how to draw them: register_alleles({name}, st.builds({name}, ...))"
    )


@allele_kind("kit_registered")
@attrs.frozen(repr=False)
class Registered(Pair):
    """A kind that the kit is told how to draw."""


def test_a_registered_kind_is_drawn_everywhere():
    register_alleles(Registered, st.builds(Registered, st.sampled_from([(0, 0), (1, 2)])))
    first = settings(max_examples=200, database=None, phases=[Phase.generate])
    differing = find(
        populations(genes={"pair": alleles(Registered)}, min_size=2),
        lambda population: len({genome.alleles["pair"].value for genome in population}) > 1,
        settings=first,
    )
    assert isinstance(differing[0], Genome)


def test_only_a_hypothesis_strategy_can_be_registered():
    with pytest.raises(ClanTuneError) as caught:
        register_alleles(Registered, Registered((0, 0)))
    assert str(caught.value) == (
        "register_alleles takes a hypothesis strategy, such as st.builds(Registered, ...); got "
        "Registered((0, 0))"
    )


@given(alleles(Root, max_depth=0), st.from_type(AbstractAllele))
def test_the_kit_draws_values_of_any_kind(root, allele):
    assert isinstance(root, Root)
    assert type(allele) in EVERY_KIND


@allele_kind("kit_careless")
@attrs.frozen(repr=False)
class Careless(Root):
    """Takes numbers outside of its domain."""

    def with_value(self, value: Any) -> "Careless":
        return self._moved(self.check_number(value))


def test_a_failure_is_one_sentence_and_the_smallest_example():
    (law,) = (law for law in kind_laws(alleles(Careless)) if law.name.startswith("brings_any"))
    with pytest.raises(LawBroken) as caught:
        law()
    sentence, detail = str(caught.value).split("\n", 1)
    assert sentence == all_kind_laws()[law.name]
    assert re.fullmatch(
        r"But with_value\(1\.0\) of Careless\(0\.0, domain=Range\(min=0\.0, max=0\.0\)\) returned "
        r"Careless\(1\.0, domain=Range\(min=0\.0, max=0\.0\)\)",
        detail,
    )


@kind_conforms(
    alleles(Careless),
    expected_failures={"brings_any_number_into_its_domain": "it stands for a careless author"},
)
def test_a_failure_can_be_expected(law):
    law()


@pytest.mark.parametrize(
    ("instances", "message"),
    [
        (
            Root(1.0),
            (
                "kind_conforms takes a hypothesis strategy, such as alleles(MyKind) or "
                "st.builds(MyKind, ...); got Root(1.0)"
            ),
        ),
        (
            st.just(1.0),
            "1.0 is not an allele: its class does not derive from AbstractAllele",
        ),
    ],
)
def test_what_is_not_a_strategy_for_alleles_is_refused(instances, message):
    with pytest.raises(ClanTuneError) as caught:
        kind_conforms(instances)
    assert str(caught.value) == message


def test_the_laws_are_for_one_kind_at_a_time():
    mixed = alleles(Root, IntAllele)
    with pytest.raises(ClanTuneError, match=r"one kind at a time; these alleles are \w+ and \w+; "):
        kind_laws(mixed)[0]()


def test_a_full_turn_of_a_circle_may_end_within_rounding():
    """The last number below 360 degrees is nearer to 0 than a hundred steps can be."""
    case = KindCase(AngleAllele(0.0), None, 1.0, 0.0)
    assert case.other.value > 359.0
    assert case.allele.distance(case.other) < 1e-9
    adds_up_small_steps(case)


@pytest.mark.parametrize("start", [1.78e-321, 1.1785119819012571e-18, 5.693440838734733e-14])
def test_small_steps_on_a_circle_may_end_just_before_its_start(start):
    """A sum that is rounded to less than 0 is at the last number below 360 degrees."""
    case = KindCase(AngleAllele(start), None, 0.0, 0.0)
    here, way = case.allele, case.other.latent - case.allele.latent
    for _ in range(STEPS):
        here = here.with_latent(here.latent + way / STEPS)
    assert here.value > 359.0
    assert here.distance(case.other) < 1e-12
    adds_up_small_steps(case)
