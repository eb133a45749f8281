"""Spaces: the parameters of a load."""

import json
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clantune_core import DataError
from clantune_store import LoadError, Rule, RuleError, Space
from clantune_store.space.declaration import Declaration
from clantune_store.space.files import read_files

GIVEN = {
    "z": {"value": 3},
    "band__high": {"value": 9.0, "min": 0, "max": 50, "tags": ["entry", "exit"]},
    "steps_int": {"value": 40},
    "on_bool": {"value": 1},
    "mode_choice": {"value": ["fast", 2, None]},
    "share_real_0": {"value": 0.5},
    "scale_real_1": {"value": 1},
    "lr_log": {"value": 0.01},
    "p_prob": {"value": 0.9},
    "title_str": {"value": "a"},
    "any_json": {"value": {"b": [1]}},
}
VALUES = {
    "any_json": {"b": [1]},
    "band__high": 9.0,
    "lr_log": 0.01,
    "mode_choice": "fast",
    "on_bool": True,
    "p_prob": 0.9,
    "scale_real_1": 1.0,
    "share_real_0": 0.5,
    "steps_int": 40,
    "title_str": "a",
    "z": 3.0,
}


def declared(given=GIVEN):
    return {name: Declaration.of(name, entries, "x:1") for name, entries in given.items()}


@pytest.fixture
def space():
    return Space.of(declared(), [Rule("band.high > 1", "on_bool"), Rule("steps_int > 3")])


def test_the_values_of_a_space_are_those_of_the_load(space):
    assert space.values == VALUES
    assert [*space.values] == sorted(VALUES)
    assert json.dumps(space.values) == json.dumps(VALUES)  # types, too
    assert space.tags == {"band__high": ("entry", "exit")}


def test_a_document_says_all_of_a_space(space):
    copy = Space.from_document(space.document)
    assert copy == space
    assert (copy.document, copy.id) == (space.document, space.id)
    assert pickle.loads(pickle.dumps(space)) == space
    held = json.loads(space.document)
    assert sorted(held) == ["parameters", "rules", "tags"]
    assert held["rules"][0] == {"require": "band.high > 1", "when": "on_bool"}
    assert held["parameters"]["band__high"]["kind"] == "symlog_float"


def test_a_document_is_made_once(space):
    assert space.document is space.document  # groups that are bred are many, of one space


def test_the_id_does_not_depend_on_the_order_of_declarations(space):
    turned = dict(reversed(declared().items()))
    assert Space.of(turned, space.rules).id == space.id
    assert Space.of(turned).id != space.id
    other = {**declared(), "z": Declaration.of("z", {"value": 3, "max": 4}, "x:1")}
    assert Space.of(other, space.rules).id != space.id


def test_a_rule_with_an_unknown_name_is_refused():
    with pytest.raises(RuleError) as info:
        Space.of(declared(), [Rule("band.hihg > 1")])
    assert str(info.value) == (
        "the rule band.hihg > 1 has no parameter band.hihg to ask; the nearest is band.high"
    )


def test_a_damaged_document_is_an_error(space):
    text = space.document.replace('"symlog_float"', '"unheard"')
    with pytest.raises(DataError, match="unheard"):
        Space.from_document(text)


def test_the_same_values_fit_unchanged(space):
    fitted = space.fit(space.values)
    assert fitted.values == space.values
    assert (fitted.added, fitted.removed, fitted.clipped) == ((), (), ())


def test_values_are_added_removed_and_clipped(space):
    values = {**VALUES, "band__high": 60.0, "gone": 1, "mode_choice": "away", "steps_int": 7}
    values |= {"share_real_0": 3.0, "any_json": 5, "lr_log": -1}
    del values["z"], values["on_bool"]
    fitted = space.fit(values)
    assert fitted.values == {
        **VALUES,
        "band__high": 50.0,
        "steps_int": 7,
        "share_real_0": 1 - 2**-53,
        "lr_log": 2.2250738585072014e-308,
    }
    assert fitted.added == ("on_bool", "z")
    assert fitted.removed == ("gone",)
    assert fitted.clipped == ("any_json", "band__high", "lr_log", "mode_choice", "share_real_0")


@given(
    st.fixed_dictionaries(
        {
            "z": st.floats(-1e300, 1e300),
            "band__high": st.floats(0, 50),
            "steps_int": st.integers(-(2**53), 2**53),
            "on_bool": st.booleans(),
            "mode_choice": st.sampled_from(["fast", 2, None]),
        }
    )
)
def test_values_come_back_from_a_genome(given):
    space = Space.of(declared())
    values = {**VALUES, **given}
    genome = space.genome(values)
    assert [*genome.alleles] == sorted(VALUES)
    assert json.dumps(space.values_of(genome)) == json.dumps(
        {
            name: 0.0 if value == 0 and isinstance(value, float) else value
            for name, value in values.items()
        }
    )


def test_all_genomes_of_a_space_have_the_same_genes(space):
    old = space.genome({"z": 8.0, "gone": 3})
    assert old.alleles["z"].value == 8.0
    assert old.alleles["mode_choice"].value == '"fast"'
    assert old.alleles["mode_choice"].choices == ('"fast"', "2", "null")
    assert [*old.alleles] == [*space.genome(VALUES).alleles]


def test_a_declaration_with_a_fault_is_refused_by_the_space(space):
    broken = Declaration("a_int", 1.5, place="x:7")
    with pytest.raises(LoadError) as info:
        Space.of({"a_int": broken})
    assert str(info.value) == "x:7: a_int: 1.5 is not a whole number"


def test_a_file_becomes_a_space(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text("a = { value = 1, tags = ['x'] }\n[[rule]]\nrequire = 'a < 2'\n")
    space = Space.of(*read_files([str(file)]))
    assert (space.values, space.tags) == ({"a": 1.0}, {"a": ("x",)})
    assert space.rules == (Rule("a < 2"),)


def test_importing_the_space_does_not_import_sqlalchemy():
    program = (
        "import sys, clantune_store.space.space, clantune_store.space.files; "
        "print([name for name in ('sqlalchemy', 'torch') if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert (found.stdout, found.stderr) == ("[]\n", "")
