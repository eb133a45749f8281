"""Groups in a store: loading, labels, lineage."""

import pytest

from clantune_store import LoadError, Parameters, RuleError, Store, StoreError
from clantune_store.database.tables import parents


@pytest.fixture
def store(address):
    made = Store.create(address)
    yield made
    made.close()


def test_equal_values_are_one_group_also_in_another_store(store, tmp_path):
    first = store.load(set={"x": 3, "n_int": 5})
    again = store.load(set={"n_int": 5, "x": 3.0})
    other = Store.create(tmp_path / "other.db").load(set={"x": 3, "n_int": 5})
    assert first.number == again.number
    assert first.id == again.id == other.id
    assert len(store.groups()) == 1


def test_create_opens_a_store_that_is_there(address):
    Store.create(address).load(set={"x": 3})
    assert len(Store.create(address).groups()) == 1


def test_a_dry_run_checks_and_writes_nothing(store):
    group = store.load(set={"x": 3}, dry_run=True)
    assert (group.number, group.values) == (0, {"x": 3.0})
    assert store.groups() == []
    with pytest.raises(RuleError) as info:
        store.load(set={"x": 3}, rules=["x > 4"], dry_run=True)
    assert "x > 4" in str(info.value)


def test_a_label_belongs_to_one_group(store):
    first = store.load(set={"x": 1}, label="best")
    assert store.group("best").labels == ("best",)
    with pytest.raises(StoreError) as info:
        store.load(set={"x": 2}, label="best")
    assert str(info.value) == (
        f"group {first.number} has the label 'best' already: choose another one"
    )
    with pytest.raises(StoreError) as info:
        store.label(first.number, "12")
    assert str(info.value) == "a label is a text that is not a number; got '12'"
    assert len(store.groups()) == 1  # the load with the refused label has written nothing


def test_what_names_nothing(store):
    with pytest.raises(LoadError) as info:
        store.load()
    assert str(info.value) == "there is nothing to load: give files, or values with set"
    store.load(set={"x": 1})
    with pytest.raises(StoreError) as info:
        store.group(10**30)
    assert str(info.value) == f"there is no group '{10**30}'; there are 1, with numbers from 1 to 1"
    with pytest.raises(StoreError) as info:
        store.load(set={"x": 2}, label="a\0b")
    assert str(info.value) == ("the label has characters that a database cannot hold: 'a\\x00b'")


def test_a_family_tree_is_followed_in_both_directions(store):
    grand, left, right, child = (store.load(set={"x": number}) for number in range(4))
    rows = [
        {"child": left.id, "parent": grand.id, "part": "", "weight": 1.0},
        {"child": child.id, "parent": left.id, "part": "entry", "weight": 0.75},
        {"child": child.id, "parent": right.id, "part": "entry", "weight": 0.25},
    ]
    with store.database.write() as connection:
        connection.execute(parents.insert(), rows)
    up = [(pair.child, pair.parent, pair.part, pair.weight) for pair in store.ancestors(child.id)]
    assert up == [
        (child.number, left.number, "entry", 0.75),
        (child.number, right.number, "entry", 0.25),
        (left.number, grand.number, "", 1.0),
    ]
    down = [(pair.child, pair.parent) for pair in store.descendants(grand.number)]
    assert down == [(left.number, grand.number), (child.number, left.number)]
    assert store.dot(left.number) == (
        "digraph lineage {\n"
        "  node [shape=box];\n"
        f'  "{grand.number}" -> "{left.number}" [label="1"];\n'
        f'  "{left.number}" -> "{child.number}" [label="entry 0.75"];\n'
        "}"
    )


def test_the_space_of_a_group_is_kept(store):
    group = store.load(set={"x": 3, "mode_choice": ["a", "b"]}, rules=["x > 2"])
    space = store.space(group.number)
    assert space.id == group.space
    assert space.values == {"x": 3.0, "mode_choice": "a"}
    assert [rule.require for rule in space.rules] == ["x > 2"]


HOSTILE = [
    "'; DROP TABLE groups; --",
    "$(touch never)",
    "<script>alert(1)</script>",
    "a\nb\t\x1b[31mred",
    '"}',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_kept_as_it_is(store, text):
    group = store.load(set={"name_str": text, "pick_choice": [text, "b"]}, label=text)
    g = Parameters(store, group=text)
    assert g.name_str == g.pick_choice == text
    with g.report(text, dataset=text) as result:
        result[text][text] = 1
        result[text]["text"] = text
    (run,) = store.runs(dataset=text)
    assert run.results == {text: {text: 1.0, "text": text}}
    (row,) = store.top(f"{text}.{text}", dataset=text, family=text)
    assert (row.value, row.group, row.algo) == (1.0, group.number, text)
