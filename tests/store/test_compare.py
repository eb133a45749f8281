"""Values merged from the best groups, and databases side by side."""

import json
from html.parser import HTMLParser

import filled
import pytest

from clantune_store.database import Database
from clantune_store.database.tables import labels
from clantune_store.errors import MetricError, StoreError
from clantune_store.questions.compare import compare
from clantune_store.questions.page import html
from clantune_store.questions.performers import merge_performers


@pytest.fixture
def store(database):
    return filled.fill(database)


def refusal(error, function, *arguments, **options):
    with pytest.raises(error) as caught:
        function(*arguments, **options)
    return str(caught.value)


ALL = ["speed", "steps_int", "mode_choice", "on_bool"]


def test_the_values_of_the_best_group_of_each_algo_are_merged(store):
    mapping = {"co2": ["speed", "mode_choice"], "ice": ["steps_int"]}
    assert merge_performers(store, mapping, "profit") == {
        "speed": 2.0,
        "mode_choice": "slow",
        "steps_int": 20,
    }


def test_numbers_are_medians_and_the_rest_is_the_commonest(store):
    merged = merge_performers(store, {"co2": ALL}, "profit", top=2)
    assert merged == {"speed": 1.5, "steps_int": 10, "mode_choice": "slow", "on_bool": True}
    merged = merge_performers(store, {"co2": ALL}, "profit", top=3)
    assert merged == {"speed": 2.0, "steps_int": 11, "mode_choice": "slow", "on_bool": True}


def test_of_two_common_values_that_of_the_better_group_is_taken(store):
    assert merge_performers(store, {"ice": ["mode_choice", "on_bool"]}, "profit", top=2) == {
        "mode_choice": "slow",
        "on_bool": False,
    }
    assert merge_performers(store, {"ice": ["mode_choice"]}, "profit", top=2, lowest=True) == {
        "mode_choice": "fast"
    }


def test_only_some_data_sets_count(store):
    one = merge_performers(store, {"co2": ["speed"]}, "profit / trades", datasets=["SPY"])
    assert one == {"speed": 1.0}
    two = merge_performers(store, {"co2": ["speed"]}, "profit", datasets=["SPY", "AMD"])
    assert two == {"speed": 2.0}


def test_options_that_are_numbers_have_no_median(database):
    for number, size in enumerate((16, 64, 16, 64), 1):
        group = filled.add_group(database, {"size_choice": size, "a__b": float(number)})
        filled.add_run(database, group, "SPY", {"m": {"a": number}})
    assert merge_performers(database, {"m": ["size_choice", "a.b"]}, "a", top=4) == {
        "size_choice": 64,
        "a__b": 2.5,
    }


@pytest.mark.parametrize(
    ("mapping", "options", "message"),
    [
        ({"co3": ALL}, {}, "no run has reported the algo 'co3'; the nearest is 'co2'"),
        (
            {"co2": ["sped"]},
            {},
            "no group that did best in 'co2' has the parameter 'sped'; the nearest is 'speed'",
        ),
        (
            {"co2": ["speed"], "ice": ["speed"]},
            {},
            "the parameter 'speed' is listed under 'co2' and 'ice'; one algo can decide it",
        ),
        (
            {"co2": ["speed"]},
            {"datasets": ["SPX"]},
            "there is no data set 'SPX'; the nearest is 'SPY'",
        ),
        ({"co2": ["speed"]}, {"top": 0}, "top is 0; ask for 1 group or more"),
    ],
)
def test_a_merge_of_performers_that_cannot_be_is_refused(store, mapping, options, message):
    told = refusal(MetricError, merge_performers, store, mapping, "profit", **options)
    assert told == message


def test_an_algo_without_a_finite_value_is_refused(database):
    group = filled.add_group(database, {"speed": 1.0})
    filled.add_run(database, group, "SPY", {"m": {"a": "nan"}})
    assert refusal(MetricError, merge_performers, database, {"m": ["speed"]}, "a") == (
        "the algo 'm' has no finite value of 'a'"
    )


@pytest.fixture
def other(tmp_path):
    """Another database with one group of the first one under another number, and a new one."""
    made = Database(tmp_path / "other.db", create=True)
    filled.add_group(made, filled.GROUPS[2], number=7)
    filled.add_group(made, {"speed": 4.0, "steps_int": 9, "new": "<b>"}, number=8)
    filled.add_run(made, 7, "SPY", {"co2": {"profit": 50}})
    filled.add_run(made, 8, "<i>AMD</i>", {"co2": {"profit": -50}, "<u>": {"a": 1}})
    with made.write() as connection:
        connection.execute(labels.insert().values(label="mine", group=8))
    yield made
    made.close()


def test_the_best_values_of_two_databases_stand_side_by_side(store, other):
    found = compare({"left": store, "right": other})
    assert found.databases == ("left", "right")
    values = {
        (line.algo, line.name, line.order): [
            (best.database, best.value, best.group, best.run, best.dataset) for best in line.best
        ]
        for line in found.lines
    }
    assert values[("co2", "profit", "highest")] == [
        ("left", 40.0, 2, 5, "AMD"),
        ("right", 50.0, 7, 1, "SPY"),
    ]
    assert values[("co2", "profit", "lowest")] == [
        ("left", -5.0, 3, 7, "SPY"),
        ("right", -50.0, 8, 2, "<i>AMD</i>"),
    ]
    assert values[("<u>", "a", "highest")] == [("right", 1.0, 8, 2, "<i>AMD</i>")]
    assert len(values) == 8


def test_only_parameters_that_differ_are_shown(store, other):
    found = compare({"left": store, "right": other}, groups=[3, 7])
    assert [(group.database, group.group) for group in found.groups] == [("left", 3), ("right", 7)]
    assert found.groups[0].id == found.groups[1].id
    assert found.parameters == ()
    found = compare({"left": store, "right": other}, groups=["3", "mine"])
    assert found.parameters == ("mode_choice", "on_bool", "steps_int", "new")
    assert found.groups[1].values == {"steps_int": 9, "new": "<b>"}


def test_asked_groups_have_their_own_best_values(store, other):
    found = compare({"left": store, "right": other}, groups=[1])
    best = {(line.algo, line.name, line.order): line.best for line in found.lines}
    assert [(each.value, each.run) for each in best[("co2", "profit", "highest")]] == [(20.0, 2)]
    text = str(compare({"right": other}).groups[0].id)
    both = compare({"left": store, "right": other}, groups=[text[:13]])
    assert {group.id for group in both.groups} == {compare({"right": other}).groups[0].id}


def test_a_group_that_no_database_has_is_refused(store, other):
    told = refusal(StoreError, compare, {"left": store, "right": other}, groups=[1, 99, "none"])
    assert told == "no group 'none', 99 is in left or right"


def test_a_comparison_is_json_data(store, other):
    found = compare({"left": store, "right": other}, n=1)
    data = json.loads(json.dumps(found.as_data()))
    assert data["databases"] == ["left", "right"]
    assert [(group["database"], group["group"]) for group in data["groups"]] == [
        ("left", 1),
        ("right", 8),
    ]
    assert data["lines"][0] == {
        "algo": "<u>",
        "name": "a",
        "order": "highest",
        "best": [
            {"database": "right", "value": 1.0, "run": 2, "group": 8, "dataset": "<i>AMD</i>"}
        ],
    }


class Page(HTMLParser):
    """Checks that tags are closed, and collects them and the text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words = [], set(), []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_shows_hostile_names_as_text(store, other):
    page = Page(html(compare({"<script>alert(1)</script>": store, 'r"&': other})))
    assert page.open == []
    assert page.tags == {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "div", "table", "thead"),
        *("tbody", "tr", "th", "td", "small"),
    }
    text = "".join(page.words)
    for shown in ("<script>alert(1)</script>", 'r"&', "<i>AMD</i>", "<u>.a", '"<b>"'):
        assert shown in text


def test_the_page_needs_nothing_else_and_fits_a_phone(store):
    text = html(compare({"left": store}))
    assert "http" not in text
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    same = html(compare({"left": store}, groups=[1]))
    assert "<p>The compared groups have the same values.</p>" in same
