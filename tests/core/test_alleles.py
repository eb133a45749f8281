"""Alleles: what they hold, what they refuse, and that nobody changes them."""

import copy
import enum
import math
import pickle
import sys
from fractions import Fraction

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clantune_core import (
    AbstractAllele,
    AlleleError,
    BoolAllele,
    ContinuousAllele,
    DataError,
    DiscreteAllele,
    FloatAllele,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    Range,
    RoundedAllele,
    StringAllele,
    allele_kind,
)
from clantune_core.alleles import registered_kinds

alleles = st.from_type(AbstractAllele)
continuous = st.from_type(ContinuousAllele)
finite = st.floats(allow_nan=False, allow_infinity=False)


class Schedule(str, enum.Enum):  # noqa: UP042  (the kind whose `str` is not its value)
    COSINE = "cosine"


@attrs.frozen(repr=False)
class Nowhere(ContinuousAllele):
    """A kind whose latent line leads out of the numbers."""

    widest = Range(0.0, 1.0)

    def to_latent(self, value):
        return value

    def from_latent(self, latent):
        return math.inf if latent > 0 else math.nan


# ---- Values and domains ----


@pytest.mark.parametrize(
    ("allele", "value"),
    [
        (FloatAllele(1), 1.0),
        (FloatAllele(Fraction(1, 4)), 0.25),
        (FloatAllele(0.5).with_value(1), 1.0),
        (FloatAllele(0.5).with_latent(1), 1.0),
        (LogFloatAllele(1), 1.0),
        (LogitFloatAllele(Fraction(1, 4)), 0.25),
        (IntAllele(3.0), 3),
        (IntAllele(0).with_value(2.6), 3),
        (BoolAllele(True), True),
        (StringAllele("cosine", [Schedule.COSINE, "linear"]), "cosine"),
    ],
    ids=repr,
)
def test_a_value_has_the_type_of_its_kind(allele, value):
    assert (type(allele.value), allele.value) == (type(value), value)


@pytest.mark.parametrize(
    ("allele", "domain"),
    [
        (FloatAllele(0.0), (-sys.float_info.max, sys.float_info.max)),
        (FloatAllele(0.0, (None, 1)), (-sys.float_info.max, 1.0)),
        (LogFloatAllele(1.0, [1, None]), (1.0, sys.float_info.max)),
        (LogitFloatAllele(0.5), (sys.float_info.min, 1 - 2**-53)),
        (LogitFloatAllele(0.5, (0, 1)), (sys.float_info.min, 1 - 2**-53)),
        (LogitFloatAllele(0.5, [0.0, 0.9]), (sys.float_info.min, 0.9)),
        (LogitFloatAllele(0.5, (0.1, 1.0)), (0.1, 1 - 2**-53)),
        (IntAllele(0, (-1.0, 1)), (-1, 1)),
        (BoolAllele(True), (False, True)),
        (BoolAllele(True, [True]), (True,)),
        (StringAllele("a", ["b", "a"]), ("b", "a")),
    ],
    ids=repr,
)
def test_a_domain_is_a_tuple_and_none_means_as_far_as_the_kind_goes(allele, domain):
    assert allele.domain == domain
    assert [*map(type, allele.domain)] == [*map(type, domain)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FloatAllele("0.1"), "FloatAllele holds a number; got '0.1'"),
        (lambda: FloatAllele(None), "FloatAllele holds a number; got None"),
        (lambda: FloatAllele(True), "FloatAllele holds a number; got True"),
        (lambda: IntAllele(False), "IntAllele holds a number; got False"),
        (lambda: FloatAllele(math.nan), "FloatAllele holds a finite number; got nan"),
        (lambda: LogFloatAllele(math.inf), "LogFloatAllele holds a finite number; got inf"),
        (lambda: FloatAllele(10**400), "the number is too large for FloatAllele"),
        (lambda: IntAllele(0.5), "0.5 is not a value of IntAllele; the nearest one is 0"),
        (
            lambda: FloatAllele(2, (0, 1)),
            (
                "2 is outside the domain 0 .. 1 of this FloatAllele; give a value inside, or a "
                "wider domain"
            ),
        ),
        (
            lambda: Nowhere(2, (0, 0.5)),
            "2 is not possible for Nowhere, which holds numbers in 0 .. 1",
        ),
        (
            lambda: IntAllele(12345678, (0, 12345677)),
            (
                "12345678 is outside the domain 0 .. 12345677 of this IntAllele; give a value "
                "inside, or a wider domain"
            ),
        ),
        (
            lambda: IntAllele(2**53 + 2),
            "9007199254740994 is not a value of IntAllele; the nearest one is 9007199254740992",
        ),
        (  # the first whole number that a float changes
            lambda: IntAllele(2**53 + 1),
            "9007199254740993 is not a value of IntAllele; the nearest one is 9007199254740992",
        ),
        (
            lambda: IntAllele(0, (0, 2**53 + 1)),
            "9007199254740993 is not a value of IntAllele; the nearest one is 9007199254740992",
        ),
        (
            lambda: IntAllele(3 + Fraction(1, 2**60)),
            (
                "Fraction(3458764513820540929, 1152921504606846976) is not a value of IntAllele; "
                "the nearest one is 3"
            ),
        ),
        (lambda: BoolAllele(1), "1 is not among the choices [False, True] of this BoolAllele"),
        (
            lambda: StringAllele("c", ("a", "b")),
            ("'c' is not among the choices ['a', 'b'] of this StringAllele"),
        ),
        (lambda: FloatAllele(0, 1), "a domain of FloatAllele must be (min, max); got 1"),
        (
            lambda: FloatAllele(0, (0, 1, 2)),
            "a domain of FloatAllele must be (min, max); got (0, 1, 2)",
        ),
        (
            lambda: FloatAllele(0, {"max": 1, "min": 0}),
            "a domain of FloatAllele must be (min, max); got {'max': 1, 'min': 0}",
        ),
        (lambda: FloatAllele(0, ("0", 1)), "FloatAllele holds a number; got '0'"),
        (lambda: IntAllele(0, (0, 1.5)), "1.5 is not a value of IntAllele; the nearest one is 2"),
        (
            lambda: FloatAllele(0.5, (1, 0)),
            (
                "the domain 1 .. 0 of FloatAllele is empty; give (min, max), the smaller number "
                "first"
            ),
        ),
        (
            lambda: LogitFloatAllele(0.5, (-0.5, 0.9)),
            (
                "the domain -0.5 .. 0.9 is not possible for LogitFloatAllele, which holds numbers "
                "between 0 and 1, from 2.2250738585072014e-308 to 0.9999999999999999; FloatAllele "
                "holds 0 and 1 too"
            ),
        ),
        (
            lambda: LogitFloatAllele(1.0, (0, 1)),
            (
                "1.0 is not possible for LogitFloatAllele, which holds numbers between 0 and 1, "
                "from 2.2250738585072014e-308 to 0.9999999999999999; FloatAllele holds 0 and 1 too"
            ),
        ),
        (
            lambda: StringAllele("a"),
            'StringAllele needs its choices: domain=("cosine", "linear", ...)',
        ),
        (
            lambda: StringAllele("a", "abc"),
            ("a domain of StringAllele must be a tuple of distinct str values; got 'abc'"),
        ),
        (
            lambda: StringAllele("a", ("a", "a")),
            ("a domain of StringAllele must be a tuple of distinct str values; got ('a', 'a')"),
        ),
        (
            lambda: StringAllele("a", ("a", 1)),
            ("a domain of StringAllele must be a tuple of distinct str values; got ('a', 1)"),
        ),
        (
            lambda: BoolAllele(True, ()),
            "a domain of BoolAllele must be a tuple of distinct bool values; got ()",
        ),
        (lambda: FloatAllele(0, can_mutate=1), "can_mutate must be True or False; got 1"),
        (
            lambda: FloatAllele(0, can_crossbreed=None),
            "can_crossbreed must be True or False; got None",
        ),
        (
            lambda: IntAllele(3, position=3.7),
            "position 3.7 does not round to 3 within -9007199254740992 .. 9007199254740992",
        ),
        (
            lambda: IntAllele(10, (0, 10), position=10.4),
            "position 10.4 does not round to 10 within 0 .. 10",
        ),
        (lambda: FloatAllele(0).with_value(math.nan), "FloatAllele holds a finite number; got nan"),
        (lambda: IntAllele(0).with_value("1"), "IntAllele holds a number; got '1'"),
        (
            lambda: FloatAllele(0).with_latent(math.nan),
            "FloatAllele holds a finite number; got nan",
        ),
        (
            lambda: LogFloatAllele(1).with_latent(math.nan),
            "the latent of LogFloatAllele must be a finite number; got nan",
        ),
        (lambda: FloatAllele(0).with_latent(True), "FloatAllele holds a number; got True"),
        (
            lambda: IntAllele(0).with_latent(math.inf),
            "the latent of IntAllele must be a finite number; got inf",
        ),
        (lambda: IntAllele(0).with_latent(True), "IntAllele holds a number; got True"),
        (lambda: Nowhere(0.5).with_latent(-1.0), "Nowhere holds a finite number; got nan"),
        (
            lambda: BoolAllele(True, (True,)).with_value(False),
            ("False is not among the choices [True] of this BoolAllele"),
        ),
    ],
)
def test_what_an_allele_cannot_hold_is_refused_in_words(make, message):
    with pytest.raises(AlleleError) as caught:
        make()
    assert str(caught.value) == message


def test_a_kind_that_has_the_tag_of_another_is_refused():
    with pytest.raises(AlleleError) as caught:
        allele_kind("float")(Nowhere)
    assert str(caught.value) == (
        "two kinds of allele are called 'float': clantune_core.alleles.numbers.FloatAllele and "
        f"{__name__}.Nowhere; rename one"
    )


UNIT = Range(0.0, 1.0)
NO_TAG = 'allele_kind takes the kind\'s tag in saved data, a string: @allele_kind("my_kind"); got '


def attrs_first():
    @attrs.frozen(repr=False)
    @allele_kind("wave")
    class Wave(Nowhere): ...


def no_parentheses():
    @allele_kind
    @attrs.frozen(repr=False)
    class Wave(Nowhere): ...


def no_allele():
    @allele_kind("wave")
    @attrs.frozen
    class Wave:
        value: float


def no_widest():
    @allele_kind("wave")
    @attrs.frozen(repr=False)
    class Wave(ContinuousAllele):
        widest: Range = UNIT  # a field, for want of a ClassVar

        def to_latent(self, value):
            return value

        def from_latent(self, latent):
            return latent


def no_way_back():
    @allele_kind("wave")
    @attrs.frozen(repr=False)
    class Wave(ContinuousAllele):
        widest = UNIT

        def to_latent(self, value):
            return value


def no_domain():
    @allele_kind("wave")
    @attrs.frozen(repr=False)
    class Wave(DiscreteAllele): ...


@pytest.mark.parametrize(
    ("define", "message"),
    [
        (
            attrs_first,
            (
                "Wave is not an attrs class yet when it is registered; put @allele_kind('wave') "
                "above @attrs.frozen(repr=False), so that it is called last"
            ),
        ),
        (
            no_parentheses,
            f"{NO_TAG}<class '{__name__}.no_parentheses.<locals>.Wave'>",
        ),
        (
            lambda: allele_kind(5),
            f"{NO_TAG}5",
        ),
        (
            lambda: allele_kind(""),
            f"{NO_TAG}''",
        ),
        (
            no_allele,
            (
                f"@allele_kind('wave') decorates <class '{__name__}.no_allele.<locals>.Wave'>, "
                "which is not an allele class; derive it from ContinuousAllele or DiscreteAllele"
            ),
        ),
        (
            no_widest,
            (
                "Wave does not define its widest domain; write widest: ClassVar[Range] = "
                "Range(0.0, 1.0), with the limits of this kind"
            ),
        ),
        (no_way_back, "Wave is not complete: define from_latent"),
        (no_domain, "Wave is not complete: define check_domain"),
        (
            lambda: allele_kind("wave")(ContinuousAllele),
            (
                "ContinuousAllele is not an attrs class yet when it is registered; put "
                "@allele_kind('wave') above @attrs.frozen(repr=False), so that it is called last"
            ),
        ),
        (
            lambda: allele_kind("wave")(AbstractAllele),
            "AbstractAllele is not complete: define check_domain, check_value, with_value",
        ),
    ],
)
def test_a_class_that_is_no_whole_kind_is_not_registered(define, message):
    with pytest.raises(AlleleError) as caught:
        define()
    assert str(caught.value) == message
    assert "wave" not in registered_kinds()


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        (AbstractAllele, "check_domain, check_value, with_value"),
        (ContinuousAllele, "from_latent, to_latent"),
        (RoundedAllele, "from_latent, round_number, to_latent"),
        (DiscreteAllele, "check_domain"),
    ],
)
def test_the_families_are_abstract(kind, missing):
    with pytest.raises(AlleleError) as caught:
        kind(0.5)
    assert str(caught.value) == (
        f"{kind.__name__} is abstract: it does not define {missing}; use one of its kinds, such "
        "as FloatAllele, or define these methods"
    )


# ---- Change is a new value ----


@given(continuous, finite)
def test_with_value_clips_to_the_domain(allele, value):
    low, high = allele.domain
    changed = allele.with_value(value)
    assert low <= changed.value <= high
    if low <= value <= high:
        assert changed.value == (round(value) if isinstance(allele, IntAllele) else value)
    else:
        assert changed.value == (low if value < low else high)


@given(continuous, finite)
def test_with_latent_never_leaves_the_domain(allele, latent):
    changed = allele.with_latent(latent)
    assert allele.domain.min <= changed.value <= allele.domain.max
    assert type(changed.value) is type(allele.value)


@given(continuous)
def test_staying_in_place_on_the_latent_line_changes_nothing(allele):
    assert allele.with_latent(allele.latent) == allele


@given(continuous, finite, finite)
def test_a_larger_latent_is_no_smaller_value(allele, one, other):
    low, high = sorted((one, other))
    assert allele.with_latent(low).value <= allele.with_latent(high).value


@pytest.mark.parametrize(
    "allele",
    [
        LogFloatAllele(1e-300),
        LogFloatAllele(3e-4),
        LogFloatAllele(1e308),
        LogFloatAllele(1.7e308),
        LogitFloatAllele(1e-300),
        LogitFloatAllele(0.1),
        LogitFloatAllele(0.9999),
        FloatAllele(-12.5),
    ],
    ids=repr,
)
def test_the_way_to_the_latent_line_and_back_leads_home(allele):
    assert math.isclose(allele.from_latent(allele.latent), allele.value, rel_tol=1e-12)


def test_equal_steps_on_the_latent_line_mean_equally_much():
    rate = LogFloatAllele(1e-4)
    step = math.log(10)
    assert math.isclose(rate.with_latent(rate.latent + step).value, 1e-3)
    beta = LogitFloatAllele(0.9)
    step = LogitFloatAllele(0.99).latent - beta.latent
    assert math.isclose(beta.with_latent(beta.latent + 2 * step).value, 0.999, rel_tol=1e-3)


def test_a_kind_that_overflows_is_clipped():
    assert Nowhere(0.5).with_latent(1.0).value == 1.0


@attrs.frozen(repr=False)
class Doubling(ContinuousAllele):
    """A kind whose numbers overflow in both directions."""

    widest = Range(-1e300, 1e300)

    def to_latent(self, value):
        return math.asinh(value)

    def from_latent(self, latent):
        return math.sinh(latent)


def test_an_overflow_ends_at_the_end_of_the_domain_that_the_step_leads_to():
    allele = Doubling(2.0, (-3.0, 5.0))
    assert allele.with_latent(1e6).value == 5.0
    assert allele.with_latent(-1e6).value == -3.0
    with pytest.raises(OverflowError):
        allele.from_latent(1e6)


@attrs.frozen(repr=False)
class Width(RoundedAllele):
    """A multiple of 8 on a logarithmic scale."""

    widest = Range(8, 1024)

    def to_latent(self, value):
        return math.log(value)

    def from_latent(self, latent):
        return math.exp(latent)

    def round_number(self, number):
        return 8 * round(number / 8)


def test_a_kind_that_rounds_takes_any_number_and_adds_up_small_steps():
    width = Width(64, (16, 256))
    assert [width.with_value(n).value for n in (-1, 3, 69, 71.5, 1e300)] == [16, 16, 72, 72, 256]
    assert [type(width.with_value(n).value) for n in (-1, 71.5)] == [int, int]
    for _ in range(100):
        width = width.with_latent(width.latent + 0.01)
    assert width.value == 176  # 64 e is 173.97
    assert math.isclose(width.unrounded, 64 * math.e)
    assert width.with_latent(1e6) == Width(256, (16, 256))
    assert width.with_latent(-1e6) == Width(16, (16, 256))
    with pytest.raises(AlleleError) as caught:
        Width(69, (16, 256))
    assert str(caught.value) == "69 is not a value of Width; the nearest one is 72"


@given(alleles)
def test_a_distance_is_that_of_the_kind(allele):
    assert allele.distance(allele) == 0.0


def test_distances_are_differences_of_latents_or_of_values():
    assert math.isclose(LogFloatAllele(1e-3).distance(LogFloatAllele(1e-2)), math.log(10))
    assert IntAllele(3).distance(IntAllele(5).with_latent(5.25)) == 2.25
    assert math.isclose(Width(8).distance(Width(16)), math.log(2))
    assert StringAllele("a", ("a", "b")).distance(StringAllele("b", ("a", "b"))) == 1.0


def test_a_position_that_says_nothing_is_left_out():
    assert IntAllele(3, position=3.0) == IntAllele(3)
    assert IntAllele(3, position=Fraction(13, 4)) == IntAllele(3).with_latent(3.25)
    assert type(IntAllele(3, position=Fraction(13, 4)).latent) is float


@given(st.from_type(DiscreteAllele))
def test_a_discrete_allele_takes_each_of_its_choices(allele):
    for choice in allele.choices:
        changed = allele.with_value(choice)
        assert (changed.value, changed.domain) == (choice, allele.domain)


@given(alleles, st.from_type(AbstractAllele))
def test_metadata_is_added_replaced_and_left_out(allele, child):
    changed = allele.with_metadata(one=1).with_metadata({"one": child, "two/parts": [1, {"a": 2}]})
    assert changed.metadata["one"] == child
    assert changed.metadata["two/parts"] == (1, {"a": 2})
    assert changed.without_metadata("one", "two/parts") == allele


@given(alleles)
def test_a_change_leaves_everything_else_as_it_was(allele):
    changed = allele.with_metadata(note="x").with_value(allele.value)
    for field in ("kind", "domain", "can_mutate", "can_crossbreed"):
        assert getattr(changed, field) == getattr(allele, field)


# ---- Immutable, hashable, copied, sent ----


@given(alleles)
def test_no_field_can_be_set_or_deleted(allele):
    for name in ("value", "domain", "can_mutate", "metadata", "something"):
        with pytest.raises(AttributeError):
            setattr(allele, name, None)
    with pytest.raises(AttributeError):
        del allele.value


@pytest.mark.parametrize(
    "change",
    [
        lambda mapping: mapping.__setitem__("a", 2),
        lambda mapping: mapping.__delitem__("a"),
        lambda mapping: mapping.__ior__({"a": 2}),
        lambda mapping: mapping.update(a=2),
        lambda mapping: mapping.setdefault("b", 2),
        lambda mapping: mapping.pop("a"),
        lambda mapping: mapping.popitem(),
        lambda mapping: mapping.clear(),
    ],
)
@pytest.mark.parametrize("entry", ["metadata", "plain"])
def test_metadata_is_read_only_all_the_way_down(change, entry):
    metadata = FloatAllele(0.5, metadata={"a": 1, "plain": {"a": 1}}).metadata
    mapping = metadata if entry == "metadata" else metadata["plain"]
    with pytest.raises(TypeError) as caught:
        change(mapping)
    assert str(caught.value) == (
        "this mapping is read-only: create a new value, e.g. allele.with_metadata(...)"
    )
    assert mapping["a"] == 1


@given(alleles)
def test_what_metadata_knows_of_its_alleles_is_read_only_too(allele):
    metadata = allele.with_metadata(below=FloatAllele(0.5)).metadata
    for name in ("children", "depth", "flat", "something"):
        with pytest.raises(TypeError, match="read-only"):
            setattr(metadata, name, None)
        with pytest.raises(TypeError, match="read-only"):
            delattr(metadata, name)
    with pytest.raises(TypeError, match="read-only"):
        metadata.children["below"] = FloatAllele(1.0)
    assert metadata.children["below"] == FloatAllele(0.5)


def test_what_was_given_may_change_later_without_changing_the_allele():
    given_metadata = {"list": [1], "child": FloatAllele(1.0)}
    given_domain = [0, 1]
    allele = FloatAllele(0.5, given_domain, metadata=given_metadata)
    given_metadata["list"].append(2)
    given_metadata["more"] = 3
    given_domain[0] = 5
    assert allele == FloatAllele(0.5, (0, 1), metadata={"list": [1], "child": FloatAllele(1.0)})


@given(alleles)
def test_copies_are_equal_and_hash_alike(allele):
    for same in (copy.copy(allele), copy.deepcopy(allele), pickle.loads(pickle.dumps(allele))):
        assert same == allele
        assert hash(same) == hash(allele)
        assert same.metadata.depth == allele.metadata.depth


def test_kinds_are_never_equal():
    made = [kind(0.5) for kind in (FloatAllele, LogFloatAllele, LogitFloatAllele)]
    assert len({*made}) == 3
    assert FloatAllele(1) != IntAllele(1)


# ---- Metadata ----


@pytest.mark.parametrize(
    ("metadata", "error", "message"),
    [
        ([1], AlleleError, "metadata must map names to plain data or alleles; got [1]"),
        ({1: 2}, AlleleError, "a name in metadata must be a string; got 1"),
        ({"a": math.nan}, DataError, "metadata.a: nan is not a finite number"),
        ({"a": [0, {"b": math.inf}]}, DataError, "metadata.a[1].b: inf is not a finite number"),
        ({"a": {1: 2}}, DataError, "metadata.a: the key 1 is not a string"),
        (
            {"a": {1}},
            DataError,
            (
                "metadata.a: {1} is a set; plain data is None, booleans, numbers, strings, and "
                "lists and mappings of these"
            ),
        ),
        ({"a": 2**1024}, DataError, "metadata.a: an integer has more than 1024 bits"),
        ({"a": "\ud800"}, DataError, "metadata.a: a string has a lone surrogate: '\\ud800'"),
    ],
)
def test_metadata_that_cannot_be_saved_is_refused_at_its_path(metadata, error, message):
    with pytest.raises(error) as caught:
        FloatAllele(0.5, metadata=metadata)
    assert str(caught.value) == message


def test_an_allele_may_lie_32_deep_and_no_deeper():
    allele = FloatAllele(0.0)
    for _ in range(32):
        allele = FloatAllele(0.0, metadata={"below": allele})
    with pytest.raises(AlleleError) as caught:
        FloatAllele(0.0, metadata={"below": allele})
    assert str(caught.value) == "alleles are nested more than 32 levels deep in metadata"


def test_handlers_cannot_grow_a_tree_deeper_than_that_either():
    def deeper(node, context):
        return node if node.metadata else node.with_metadata(below=FloatAllele(0.0))

    allele = FloatAllele(0.0)
    for _ in range(32):
        allele = allele.update_tree(deeper)
    with pytest.raises(AlleleError) as caught:
        allele.update_tree(deeper)
    assert str(caught.value) == "alleles are nested more than 32 levels deep in metadata"


def test_plain_data_nested_too_deep_is_refused():
    data = []
    for _ in range(32):
        data = [data]
    with pytest.raises(DataError) as caught:
        FloatAllele(0.0, metadata={"a": data})
    assert str(caught.value) == (f"metadata.a{'[0]' * 32}: lists and mappings are nested too deep")


def test_leaving_out_what_is_not_there_names_what_is():
    with pytest.raises(AlleleError) as caught:
        FloatAllele(0.5, metadata={"std": 1}).without_metadata("sdt")
    assert str(caught.value) == "there is no metadata['sdt'] to remove; the entries are ['std']"


def test_the_member_of_an_enumeration_is_kept_as_its_text():
    assert FloatAllele(0.5).with_metadata(schedule=Schedule.COSINE).metadata["schedule"] == "cosine"


# ---- In the prompt ----


@pytest.mark.parametrize(
    ("allele", "text"),
    [
        (FloatAllele(0.5), "FloatAllele(0.5)"),
        (LogitFloatAllele(0.5), "LogitFloatAllele(0.5)"),
        (
            LogFloatAllele(1e-3, (1e-6, 1), can_mutate=False),
            "LogFloatAllele(0.001, domain=Range(min=1e-06, max=1.0), can_mutate=False)",
        ),
        (IntAllele(3).with_latent(3.25), "IntAllele(3, position=3.25)"),
        (BoolAllele(True), "BoolAllele(True)"),
        (BoolAllele(True, (True,)), "BoolAllele(True, domain=(True,))"),
        (StringAllele("a", ("a", "b")), "StringAllele('a', domain=('a', 'b'))"),
        (
            FloatAllele(0.5, metadata={"std": LogFloatAllele(0.1), "tags": ["x"]}),
            "FloatAllele(0.5, metadata={'std': LogFloatAllele(0.1), 'tags': ('x',)})",
        ),
    ],
)
def test_the_repr_is_what_one_would_type(allele, text):
    assert repr(allele) == text
    assert eval(text) == allele


# ---- Copies ----


def test_a_zero_at_the_end_of_a_domain_has_no_sign():
    for zero in (-0.0, 0.0):
        low, high = FloatAllele(0.5, (zero, 1.0)).domain
        assert (math.copysign(1.0, low), high) == (1.0, 1.0)
    assert [type(end) for end in IntAllele(1, (0, 2)).domain] == [int, int]
    assert [type(end) for end in FloatAllele(1, (0, 2)).domain] == [float, float]


@attrs.frozen(repr=False)
class Named(FloatAllele):
    """A kind with a field of its own."""

    unit: str = attrs.field(default="", kw_only=True)


class Bare(FloatAllele):
    """A kind that attrs has not made, and so one with a dictionary."""


@pytest.mark.parametrize("allele", [FloatAllele(1), Named(1, unit="s"), Bare(1), IntAllele(1)])
def test_a_copy_is_of_the_kind_and_frozen_too(allele):
    copied = allele.with_value(2)
    assert type(copied) is type(allele)
    assert copied.value == 2
    assert getattr(copied, "unit", "") == getattr(allele, "unit", "")
    for field in ("value", "domain", "something"):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(copied, field, 3)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            delattr(copied, field)
