"""Ancestries: one probability per rank, in rank order, summing to 1."""

import copy
import math
import pickle
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clantune_core import Ancestry, AncestryError, Genome, Parent, Population
from clantune_core.testing.generators import populations

UUIDS = [UUID(int=i) for i in range(4)]
MEMBERS = [Genome(uuid=uuid) for uuid in UUIDS]
ancestries = st.from_type(Ancestry)


def test_an_ancestry_is_a_sequence_of_pairs_in_rank_order():
    ancestry = Ancestry.of([(0.25, UUIDS[0]), (0, UUIDS[1]), (0.75, UUIDS[2])])
    assert [*ancestry] == [(0.25, UUIDS[0]), (0.0, UUIDS[1]), (0.75, UUIDS[2])]
    assert len(ancestry) == 3
    assert ancestry[2] == Parent(0.75, UUIDS[2])
    assert ancestry[-1].uuid == UUIDS[2]
    assert ancestry[1:] == [*ancestry][1:]
    assert ancestry.probabilities == (0.25, 0.0, 0.75)
    assert ancestry.contributors == ((0, 0.25), (2, 0.75))
    assert ancestry.dominant == 2
    assert Ancestry.of(ancestry) is ancestry


def test_ancestries_of_a_large_population_keep_the_few_who_contribute():
    population = Population([Genome() for _ in range(1000)])
    ancestry = Ancestry.sole(7, population)
    held = [getattr(ancestry, field.name) for field in attrs.fields(Ancestry)]
    assert [value for value in held if value is not population.uuids] == [((7, 1.0),)]
    assert ancestry.is_of(population)
    assert not ancestry.is_of([*population][::-1])


@given(ancestries)
def test_an_ancestry_equals_the_pairs_that_it_is_made_of(ancestry):
    pairs = [(parent.probability, parent.uuid) for parent in ancestry]
    for same in (pairs, tuple(pairs), [*ancestry]):
        assert ancestry == same
        assert same == ancestry
    assert hash(ancestry) == hash(tuple(pairs))
    for other in (pairs[1:], [*pairs, pairs[0]], {*pairs}, None):
        assert ancestry != other


def test_the_lowest_rank_of_equals_dominates():
    assert Ancestry([0.0, 0.5, 0.5], UUIDS[:3]).dominant == 1


def test_weights_are_divided_by_their_sum():
    ancestry = Ancestry.from_weights([1, 0, 3, 0], MEMBERS)
    assert ancestry == Ancestry([0.25, 0.0, 0.75, 0.0], UUIDS)
    assert Ancestry.sole(2, MEMBERS) == Ancestry([0.0, 0.0, 1.0, 0.0], UUIDS)


@given(st.lists(st.floats(0.0, 1e300), min_size=4, max_size=4).filter(any))
def test_any_weights_make_probabilities(weights):
    ancestry = Ancestry.from_weights(weights, MEMBERS)
    assert math.isclose(math.fsum(ancestry.probabilities), 1.0, abs_tol=1e-6)
    assert [*ancestry.uuids] == UUIDS


def test_rounding_is_forgiven():
    assert Ancestry([1 / 3, 1 / 3, 0.3333333], UUIDS[:3]).dominant == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Ancestry([0.5, 0.4], UUIDS[:2]),
            (
                "the probabilities sum to 0.9, not to 1; Ancestry.from_weights divides weights by "
                "their sum"
            ),
        ),
        (
            lambda: Ancestry([], []),
            (
                "the probabilities sum to 0, not to 1; Ancestry.from_weights "
                "divides weights by their sum"
            ),
        ),
        (
            lambda: Ancestry([1.5, -0.5], UUIDS[:2]),
            "the probability of rank 0 must be from 0 to 1; got 1.5",
        ),
        (
            lambda: Ancestry([1.0, math.nan], UUIDS[:2]),
            "the probability of rank 1 must be from 0 to 1; got nan",
        ),
        (lambda: Ancestry([None], UUIDS[:1]), "probabilities must be numbers; got [None]"),
        (lambda: Ancestry(1.0, UUIDS[:1]), "probabilities must be numbers; got 1.0"),
        (lambda: Ancestry([1.0], ["0"]), "the uuid of rank 0 must be a uuid.UUID; got '0'"),
        (
            lambda: Ancestry([1.0], UUIDS[:2]),
            (
                "1 probabilities for 2 members; give one for every rank, 0 for a rank that does "
                "not contribute"
            ),
        ),
        (
            lambda: Ancestry.of(42),
            "an ancestry must be a list of pairs (probability, uuid); got 42",
        ),
        (
            lambda: Ancestry.of([0.5, 0.5]),
            ("an ancestry must be a list of pairs (probability, uuid); got [0.5, 0.5]"),
        ),
        (
            lambda: Ancestry.from_weights([0, 0, 0, 0], MEMBERS),
            "the sum of the weights must be positive and finite; got 0.0",
        ),
        (
            lambda: Ancestry.from_weights([math.inf, 0, 0, 0], MEMBERS),
            "the sum of the weights must be positive and finite; got inf",
        ),
        (
            lambda: Ancestry.from_weights([math.inf, -math.inf], MEMBERS[:2]),
            "weights must be finite numbers; got [inf, -inf]",
        ),
        (
            lambda: Ancestry.from_weights(["1"], MEMBERS[:1]),
            ("weights must be finite numbers; got ['1']"),
        ),
        (
            lambda: Ancestry.from_weights([1, 1], MEMBERS),
            (
                "2 weights for 4 members; give one for every rank, 0 for a rank that does not "
                "contribute"
            ),
        ),
        (
            lambda: Ancestry.from_weights([2, -1, 0, 0], MEMBERS),
            "the weight of rank 1 must be 0 or more; got -1",
        ),
        (
            lambda: Ancestry.from_shares({4: 1.0}, MEMBERS),
            "there is no rank 4 in a population of 4",
        ),
        (
            lambda: Ancestry.from_shares({}, MEMBERS),
            "the sum of the weights must be positive and finite; got 0.0",
        ),
        (lambda: Ancestry.sole(4, MEMBERS), "there is no rank 4 in a population of 4"),
        (lambda: Ancestry.sole(-1, MEMBERS), "there is no rank -1 in a population of 4"),
        (
            lambda: Ancestry.sole(0, MEMBERS).check(MEMBERS[:2]),
            (
                "the ancestry has 4 entries for a population of 2; give one for every rank, 0 for "
                "a rank that does not contribute"
            ),
        ),
        (
            lambda: Ancestry.sole(0, MEMBERS).check(MEMBERS[::-1]),
            (
                "rank 0 is 00000000-0000-0000-0000-000000000000 in the ancestry, but "
                "00000000-0000-0000-0000-000000000003 in the population; keep the order of the "
                "ranks"
            ),
        ),
    ],
)
def test_what_is_no_ancestry_is_refused_in_words(make, message):
    with pytest.raises(AncestryError) as caught:
        make()
    assert str(caught.value) == message


def test_a_number_too_large_for_a_probability_is_refused():
    with pytest.raises(AncestryError, match="probabilities must be numbers; got "):
        Ancestry([2**1024 - 1], UUIDS[:1])


@given(populations(min_size=2))
def test_the_ancestry_of_a_population_passes_its_check(population):
    ancestry = Ancestry.sole(len(population) - 1, population)
    assert ancestry.check(population) is ancestry
    with pytest.raises(AncestryError):
        ancestry.check(Population([*population[1:], population[0]]))


@given(ancestries)
def test_an_ancestry_cannot_be_changed_and_copies_are_equal(ancestry):
    for name in ("probabilities", "uuids", "contributors", "something"):
        with pytest.raises(AttributeError):
            setattr(ancestry, name, ())
    with pytest.raises(TypeError):
        ancestry[0] = (1.0, UUIDS[0])
    for same in (
        copy.copy(ancestry),
        copy.deepcopy(ancestry),
        pickle.loads(pickle.dumps(ancestry)),
        Ancestry.of([*ancestry]),
    ):
        assert same == ancestry
        assert hash(same) == hash(ancestry)
        assert same.contributors == ancestry.contributors


def test_an_ancestry_shows_who_contributes():
    uuids = [UUID("01234567-89ab-4def-8123-456789abcdef"), *UUIDS[:2]]
    assert (
        repr(Ancestry([1 / 3, 0, 2 / 3], uuids))
        == "<Ancestry: 0.333 of rank 0 (01234567), 0.667 of rank 2 (00000000)>"
    )
