"""The types of parameters, by the end of their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clantune_core import AlleleError, FloatAllele, StringAllele
from clantune_store import StoreError, suffix
from clantune_store.database.canonical import canonical
from clantune_store.space.suffixes import suffix_of

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(-1e9, 1e9)
    | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=2),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("variable_a", ""),
        ("a__b", ""),
        ("paint", ""),
        ("overall__decay_rate_int", "_int"),
        ("a__b_bool", "_bool"),
        ("runtime__choice", "_choice"),
        ("choice", "_choice"),
        ("x_real_0", "_real_0"),
        ("x_real_1", "_real_1"),
        ("lr_log", "_log"),
        ("dropout_prob", "_prob"),
        ("title_str", "_str"),
        ("any_json", "_json"),
        ("X_INT", ""),
    ],
)
def test_the_longest_end_of_a_name_is_its_type(name, suffix):
    assert suffix_of(name).text == suffix


@pytest.mark.parametrize(
    ("name", "value", "kind", "stored", "read"),
    [
        ("x", 3, "symlog_float", 3.0, 3.0),
        ("x", -0.0, "symlog_float", 0.0, 0.0),
        ("x_int", 5, "symlog_int", 5, 5),
        ("x_int", 5.0, "symlog_int", 5, 5),
        ("x_bool", 1, "bool", True, True),
        ("x_bool", False, "bool", False, False),
        ("x_real_0", 0, "float", 0.0, 0.0),
        ("x_real_1", 1.5, "float", 1.5, 1.5),
        ("x_log", 1, "log_float", 1.0, 1.0),
        ("x_prob", 0.5, "logit_float", 0.5, 0.5),
        ("x_str", "a = # b", "string", "a = # b", "a = # b"),
        ("x_json", {"a": [1, None]}, "string", {"a": [1, None]}, {"a": [1, None]}),
    ],
)
def test_a_value_is_stored_in_one_form_and_read_in_its_type(name, value, kind, stored, read):
    suffix = suffix_of(name)
    allele = suffix.allele(value)
    assert allele.kind == kind
    assert (type(suffix.stored(allele)), repr(suffix.stored(allele))) == (
        type(stored),
        repr(stored),
    )
    assert (type(suffix.read(stored)), suffix.read(stored)) == (type(read), read)


@given(st.lists(json_values, min_size=1, max_size=4), st.data())
def test_options_of_any_kind_are_distinct_texts(options, data):
    texts = [StringAllele(text, (text,)).value for text in map(suffix_of("x_json").held, options)]
    distinct = tuple(dict(zip(texts, options, strict=True)).values())
    chosen = data.draw(st.sampled_from(distinct))
    allele = suffix_of("x_choice").allele(chosen, options=distinct)
    assert len(allele.choices) == len(distinct)
    assert canonical(suffix_of("x_choice").stored(allele)) == canonical(chosen)


@pytest.mark.parametrize(
    ("name", "value", "more", "message"),
    [
        (
            "x",
            "text",
            {},
            (
                '"text" is not a number; the name of another value ends with _bool, _choice, '
                "_str or _json"
            ),
        ),
        (
            "x",
            True,
            {},
            (
                "true is not a number; the name of another value ends with _bool, _choice, "
                "_str or _json"
            ),
        ),
        ("x_int", 5.5, {}, "5.5 is not a whole number"),
        ("x_int", "5", {}, '"5" is not a whole number'),
        ("x_bool", 2, {}, "2 is neither true nor false, 1 nor 0"),
        ("x_bool", "yes", {}, '"yes" is neither true nor false, 1 nor 0'),
        ("x_bool", True, {"domain": (0, 1)}, "a value of type _bool takes no min and max"),
        ("x_real_0", 1.0, {}, "1.0 is outside 0 .. 1, without 1 itself"),
        ("x_real_0", 0.5, {"domain": (-1, None)}, "-1 is outside 0 .. 1, without 1 itself"),
        ("x_real_1", 0.999, {}, "0.999 is outside 1 .. 2, without 2 itself"),
        ("x_real_1", 1.5, {"domain": (None, 2.5)}, "2.5 is outside 1 .. 2, without 2 itself"),
        ("x_real_1", 1.5, {"unit": 1}, "a value of type _real_1 takes no unit"),
        ("x_str", 3, {}, "3 is not a text"),
        ("x_str", "a", {"options": ("a", "b")}, "a value of type _str takes no options"),
        ("x", 3, {"options": (3, 4)}, "a number takes no options"),
        ("x_choice", "c", {"options": ("a", "b")}, '"c" is not among the options "a", "b"'),
        ("x_choice", "a", {"options": ("a", "b", "a")}, 'the option "a" is repeated'),
        ("x_choice", 1, {"options": (True, 1.0)}, "1 is not among the options true, 1.0"),
        (
            "x_choice",
            "a",
            {"options": ()},
            "the options are empty: give a list such as ['fast', 'slow']",
        ),
    ],
)
def test_what_a_type_cannot_hold_is_refused(name, value, more, message):
    with pytest.raises(AlleleError) as info:
        suffix_of(name).allele(value, **more)
    assert str(info.value) == message


def test_the_half_open_types_never_reach_their_upper_end():
    for name, low, high in (("x_real_0", 0.0, 1.0), ("x_real_1", 1.0, 2.0)):
        for domain in (None, (low, high), (None, high)):
            allele = suffix_of(name).allele(low, domain)
            assert low <= allele.with_value(9.0).value < high
            assert allele.with_value(-9.0).value == low


def percent(value, domain):
    return FloatAllele(value, domain or (0, 100))


def test_a_type_of_ones_own():
    made = suffix("_percent", read=lambda value: value / 100)(percent)
    assert made is suffix("_percent", read=lambda value: value / 100)(percent)  # imported again
    own = suffix_of("share__of_percent")
    assert own.allele(50) == FloatAllele(50.0, (0, 100))
    assert own.allele(50, (10, 60)) == FloatAllele(50.0, (10, 60))
    assert own.read(own.stored(own.allele(50))) == 0.5
    with pytest.raises(StoreError) as info:
        suffix("_percent")(FloatAllele)
    assert str(info.value) == (
        f"the suffix _percent is that of {percent.__module__}.percent already: choose another one"
    )


@pytest.mark.parametrize("text", ["percent", "_", "", "_a__b", percent])
def test_a_suffix_is_a_text_with_an_underscore(text):
    with pytest.raises(StoreError) as info:
        suffix(text)
    assert str(info.value) == (f'a suffix is a text such as "_percent", without "__"; got {text!r}')


def test_a_stored_value_whose_type_is_not_registered_is_read_as_it_is():
    assert suffix_of("x_unheard").read("text") == "text"
    assert suffix_of("x_unheard").read(True) is True
    assert suffix_of("x_unheard").read(3) == 3.0
