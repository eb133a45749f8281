"""Reading declarations from files."""

import pytest

from clantune_store import LoadError, Rule, RuleError
from clantune_store.space.files import read_files

LINES = """
seconds_15__stop_threshold__fast = 12.3
# more things...
  overall__decay_rate_int  = 5   # a comment
runtime__single_trigger_bool = 1
runtime__exit_check_choice = ["custom", "defined", "30 seconds", "on-demand"]
text_str = "a = b # c"
Great.Value = 1
größe = -2e-3
list_json = {"a": [1, 2]}
"""

TOML = """
steps_int = 40

[band]
high = { value = 9.0, min = 0, max = 50, tags = ["entry"] }
low = 1.0
mode_choice = [
    "fast",
    "slow",
]
size.unit_scale = { value = 3, unit = 0.5 }
"quoted name".x = 2

[band.more]
table_json = { value = 3, other = 4 }

[band.declared]
value = 3
max = 7

[[rule]]
require = "band.steps_int >= 32"
when = "band.mode_choice == 'fast'"

[[rule]]
require = "band.high > band.low"
"""

JSON = """{
  "steps_int": 40,
  "band": {
    "high": {"value": 9.0, "min": 0, "max": 50, "tags": ["entry"]},
    "mode_choice": ["fast", "slow"]
  },
  "rule": [
    {"require": "band.high > 1"},
    {"require": "band.high > 2", "when": "steps_int > 3"}
  ]
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name, text):
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    return name


def values_of(declared):
    return {name: declaration.value for name, declaration in declared.items()}


def test_lines_of_names_and_json():
    declared, rules = read_files([write("a.gf", LINES)])
    assert values_of(declared) == {
        "seconds_15__stop_threshold__fast": 12.3,
        "overall__decay_rate_int": 5,
        "runtime__single_trigger_bool": True,
        "runtime__exit_check_choice": "custom",
        "text_str": "a = b # c",
        "Great__Value": 1.0,
        "größe": -0.002,
        "list_json": {"a": [1, 2]},
    }
    assert rules == []
    assert declared["overall__decay_rate_int"].place == "a.gf:4"
    assert declared["runtime__exit_check_choice"].options == (
        *("custom", "defined", "30 seconds", "on-demand"),
    )


def test_toml_with_tables_and_rules():
    declared, rules = read_files([write("a.toml", TOML)])
    assert values_of(declared) == {
        "steps_int": 40,
        "band__high": 9.0,
        "band__low": 1.0,
        "band__mode_choice": "fast",
        "band__size__unit_scale": 3.0,
        "band__quoted name__x": 2.0,
        "band__more__table_json": {"value": 3, "other": 4},
        "band__declared": 3.0,
    }
    high = declared["band__high"]
    assert (high.min, high.max, high.tags, high.place) == (0, 50, ("entry",), "a.toml:5")
    assert declared["band__size__unit_scale"].unit == 0.5
    assert declared["band__declared"].max == 7
    places = {name: declared[name].place for name in declared}
    assert places["band__mode_choice"] == "a.toml:7"
    assert places["band__size__unit_scale"] == "a.toml:11"
    assert places["band__declared"] == "a.toml:17"
    assert rules == [
        Rule("band.steps_int >= 32", "band.mode_choice == 'fast'"),
        Rule("band.high > band.low"),
    ]


def test_json_says_the_same_as_toml():
    declared, rules = read_files([write("a.json", JSON)])
    assert values_of(declared) == {
        "steps_int": 40,
        "band__high": 9.0,
        "band__mode_choice": "fast",
    }
    assert [declared[name].place for name in declared] == ["a.json:2", "a.json:4", "a.json:5"]
    assert rules == [Rule("band.high > 1"), Rule("band.high > 2", "steps_int > 3")]


def test_a_later_file_replaces_the_value_and_keeps_the_rest():
    over = write("over.gf", 'band.high = 20\nband.mode_choice = "slow"\nnew = 1\n')
    more = write("more.toml", "band.high = { value = 30, max = 60 }\n")
    declared, rules = read_files(
        [write("a.toml", TOML), over, more, write("b.toml", TOML.split("[band]", maxsplit=1)[0])],
        set={"band.low": 2},
        values={"band__low": 0.5, "first": 7},
    )
    high = declared["band__high"]
    assert (high.value, high.min, high.max, high.tags) == (30.0, 0, 60, ("entry",))
    assert high.place == "more.toml:1"
    assert declared["band__mode_choice"].value == "slow"
    assert declared["band__mode_choice"].options == ("fast", "slow")
    assert (declared["band__low"].value, declared["band__low"].place) == (2.0, "--set band.low")
    assert declared["first"].value == 7.0
    assert declared["new"].value == 1.0
    assert len(rules) == 2


def test_a_later_choice_picks_an_option_or_gives_new_ones():
    base = write("a.gf", "x_choice = [[1, 2], [3], 4]\n")
    for value, chosen, options in (
        ([3], [3], ([1, 2], [3], 4)),
        (4, 4, ([1, 2], [3], 4)),
        ([5, 6], 5, (5, 6)),
    ):
        declared, _ = read_files([base], set={"x_choice": value})
        assert (declared["x_choice"].value, declared["x_choice"].options) == (chosen, options)


LINE_FAULTS = [
    ("hello", "a.gf:1: this line is not name = JSON: hello"),
    ("\n\n= 3", "a.gf:3: a parameter has no name: write name = JSON"),
    (
        "a = fast",
        (
            "a.gf:1: a: fast is not a JSON value: Expecting value at character 1; write a text as "
            '"fast"'
        ),
    ),
    ("a =", "a.gf:1: a:  is not a JSON value: Expecting value at character 1"),
    ("a = 3 4", "a.gf:1: a: after the value stands 4; a comment begins with #"),
    (
        "a = NaN",
        'a.gf:1: a: NaN is not a JSON value: NaN is not a finite number; write a text as "NaN"',
    ),
    ("a = 1e999", "a.gf:1: a: 1e999 is not a JSON value: 1e999 is too large"),
    (
        'a_json = {"b": 1, "b": 2}',
        'a.gf:1: a_json: {"b": 1, "b": 2} is not a JSON value: the key \'b\' occurs twice',
    ),
    (
        "a = 1\n# x\na = 2",
        "a.gf:3: the name a is declared twice, first at a.gf:1: remove one",
    ),
    (
        "a.b = 1\na__b = 2",
        "a.gf:2: the name a__b is declared twice, first at a.gf:1: remove one",
    ),
    (
        "Ab = 1\naB = 2",
        (
            "a.gf:2: the name aB differs only in case from Ab, which is declared at a.gf:1: rename "
            "one"
        ),
    ),
    (
        "a = 1\na__b = 2",
        (
            "a.gf:2: the name a__b cannot be read by dot, because a is a value already, declared "
            "at a.gf:1: rename one"
        ),
    ),
    (
        "a__b__c = 1\na__b = 2",
        (
            "a.gf:1: the name a__b__c cannot be read by dot, because a__b is a value already, "
            "declared at a.gf:2: rename one"
        ),
    ),
    (
        "_a = 1",
        (
            "a.gf:1: the name _a has a part that begins with _, which Python keeps for itself: "
            "rename it"
        ),
    ),
    (
        "a___b = 1",
        (
            "a.gf:1: the name a___b has a part that begins with _, which Python keeps for itself: "
            "rename it"
        ),
    ),
    (
        "a____b = 1",
        ("a.gf:1: the name a____b has an empty part: each part between two __ needs a letter"),
    ),
    (
        "report = 1",
        (
            "a.gf:1: the name report is reserved, because a program reports its results with "
            "report(): rename it"
        ),
    ),
    ("a\tb = 1", "a.gf:1: the name 'a\\tb' has characters that cannot be printed"),
    (
        'a = "x"',
        (
            'a.gf:1: a: "x" is not a number; the name of another value ends with _bool, _choice, '
            "_str or _json"
        ),
    ),
    ("a_int = 1.5", "a.gf:1: a_int: 1.5 is not a whole number"),
    ("a_bool = 3", "a.gf:1: a_bool: 3 is neither true nor false, 1 nor 0"),
    ("a_real_0 = 1", "a.gf:1: a_real_0: 1 is outside 0 .. 1, without 1 itself"),
    (
        'a_choice = "x"',
        (
            "a.gf:1: a_choice: a choice is a list of options, and the first one is its value; got "
            '"x"'
        ),
    ),
    ("a_choice = []", "a.gf:1: a_choice: the options are empty: give a list with one or more"),
    ("a_choice = [1, 1]", "a.gf:1: a_choice: the option 1 is repeated"),
    ('a_str = "\\ud800"', "a.gf:1: a_str: a string has a lone surrogate: '\"\\ud800\"'"),
]


@pytest.mark.parametrize(("text", "message"), LINE_FAULTS)
def test_a_faulty_line_is_named_with_its_place(text, message):
    with pytest.raises(LoadError) as info:
        read_files([write("a.gf", text)])
    assert str(info.value) == message


TOML_FAULTS = [
    ("a = 1\na = 2", "a.toml:2: this is not TOML: Cannot overwrite a value"),
    ("a = \n", "a.toml:1: this is not TOML: Invalid value"),
    (
        "a = nan",
        (
            "a.toml:1: a: NaN is not a value in JSON, which has finite numbers, texts, true, "
            "false, null, lists and objects"
        ),
    ),
    (
        "\na = 2020-01-01",
        (
            'a.toml:2: a: "datetime.date(2020, 1, 1)" is not a value in JSON, which has '
            "finite numbers, texts, true, false, null, lists and objects"
        ),
    ),
    (
        "x = 1\na = { value = 3, mn = 0 }",
        (
            "a.toml:2: a: a declaration does not know the key mn; did you mean min? If these are "
            "parameters, rename those that are called like a key"
        ),
    ),
    (
        "a = { value = 3, max = 9, scale = 0 }",
        (
            "a.toml:1: a: a declaration does not know the key scale; it may have value, min, max, "
            "options, unit, tags. If these are parameters, rename those that are called like a key"
        ),
    ),
    ("x = 1\na = { value = 60, min = 0, max = 50 }", "a.toml:2: a: 60 is outside 0 .. 50"),
    ("a = { value = -1, min = 0 }", "a.toml:1: a: -1 is outside 0 .. ∞"),
    ("a = { value = 60, max = 50 }", "a.toml:1: a: 60 is outside -∞ .. 50"),
    ("a = { value = 3, min = 5, max = 1 }", "a.toml:1: a: min 5 is above max 1"),
    ("a = { value = 3, min = true }", "a.toml:1: a: min and max must be numbers; got true"),
    (
        "a = { value = 3, unit = 0 }",
        "a.toml:1: a: the unit must be above 0 and up to 4.49423e+307; got 0",
    ),
    (
        "a_bool = { value = true, min = 0 }",
        "a.toml:1: a_bool: a value of type _bool takes no min and max",
    ),
    (
        "a_choice = { value = 3, options = [1, 2] }",
        "a.toml:1: a_choice: 3 is not among the options 1, 2",
    ),
    (
        "a_choice = { value = 3, options = [] }",
        "a.toml:1: a_choice: the options are empty: give a list such as ['fast', 'slow']",
    ),
    (
        "a_choice = { value = 3, options = 3 }",
        "a.toml:1: a_choice: the options must be a list of values; got 3",
    ),
    ("a = { value = 3, tags = [1] }", "a.toml:1: a: the tags must be a list of texts; got [1]"),
    ('a = { value = 3, tags = "x" }', 'a.toml:1: a: the tags must be a list of texts; got "x"'),
    (
        "[_a]\nb = 3",
        (
            "a.toml:1: the name _a has a part that begins with _, which Python keeps for "
            "itself: rename it"
        ),
    ),
    (
        "b = 1\n[report]",
        (
            "a.toml:2: the name report is reserved, because a program reports its "
            "results with report(): rename it"
        ),
    ),
    (
        "\n[[rule]]\nwhen = 'a > 1'",
        'a.toml:3: a rule has no require: write require = "a > b", and perhaps when = "c == 1"',
    ),
    (
        "[[rule]]\nrequire = 'a'\nif = 'b'",
        'a.toml:2: a rule does not know if: write require = "a > b", and perhaps when = "c == 1"',
    ),
    ("[[rule]]\nrequire = 3", "a.toml:2: require and when of a rule must be texts"),
]


@pytest.mark.parametrize(("text", "message"), TOML_FAULTS)
def test_a_faulty_toml_is_named_with_its_place(text, message):
    with pytest.raises(LoadError) as info:
        read_files([write("a.toml", text)])
    assert str(info.value) == message


JSON_FAULTS = [
    ('{"a": 1,\n "a": 2}', 'a.json:2: the key "a" occurs twice in one object'),
    ('{"a": 1,\n}', "a.json:2: this is not JSON: "),
    ("[1]", "a.json:1: this is not a JSON object of names and values"),
    ('{"a": 1}\n3', "a.json:2: this is not JSON: Extra data"),
    ('{"b": "NaN",\n"a": NaN}', "a.json:2: this is not JSON: NaN is not a finite number"),
    ('{"x": {\n"a_int": 1.5}}', "a.json:2: x__a_int: 1.5 is not a whole number"),
]


@pytest.mark.parametrize(("text", "message"), JSON_FAULTS)
def test_a_faulty_json_is_named_with_its_place(text, message):
    with pytest.raises(LoadError) as info:
        read_files([write("a.json", text)])
    assert str(info.value).startswith(message)


def test_a_rule_of_a_file_that_is_no_rule_has_its_place():
    with pytest.raises(RuleError) as info:
        read_files([write("a.toml", "[[rule]]\nrequire = 'a >'")])
    assert str(info.value) == "a.toml:2: 'a >' is not an expression: invalid syntax"


def test_faults_between_files_and_in_what_is_set():
    base = write("a.gf", "a_int = 1\nx_choice = [1, 2]")
    for given, message in (
        ({"a_int": "x"}, '--set a_int: a_int: "x" is not a whole number'),
        ({"x_choice": 3}, "--set x_choice: x_choice: 3 is not among the options 1, 2"),
        (
            {"A_int": 3},
            (
                "--set A_int: the name A_int differs only in case from a_int, which is declared at "
                "a.gf:1: rename one"
            ),
        ),
    ):
        with pytest.raises(LoadError) as info:
            read_files([base], set=given)
        assert str(info.value) == message


def test_files_that_cannot_be_read(folder):
    (folder / "bytes.gf").write_bytes(b"a = \xff")
    for path, message in (
        ("none.gf", "none.gf: the file cannot be read: No such file or directory"),
        (str(folder), f"{folder}: this is a folder; give the files in it"),
        ("bytes.gf", "bytes.gf:1: this is not text in UTF-8: byte 4 is none of it"),
    ):
        with pytest.raises(LoadError) as info:
            read_files([path])
        assert str(info.value) == message


def test_a_file_of_windows_reads_the_same(folder):
    for name, text in (("a.gf", LINES), ("a.toml", TOML), ("a.json", JSON)):
        before = read_files([write(name, text)])
        (folder / name).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
        assert read_files([name]) == before


def test_tags_are_given_by_pattern(tmp_path):
    file = tmp_path / "tags.toml"
    file.write_text(
        '[entry]\nlow = 1.0\nhigh = { value = 2.0, tags = ["exit"] }\n[other]\na = 3.0\n'
        '[[tag]]\npattern = "entry.*"\nalgo = "entry"\n'
    )
    declared, _ = read_files([str(file)])
    tags = {name: declaration.tags for name, declaration in declared.items()}
    assert tags == {"entry__low": ("entry",), "entry__high": ("exit", "entry"), "other__a": ()}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('pattern = "x.*"\nalgo = "x"\n', "the pattern 'x.*' fits no parameter"),
        (
            'pattern = "x.*"\n',
            'a tag has two texts: write pattern = "entry.*" and algo = "entry"',
        ),
    ],
)
def test_a_tag_that_says_nothing_is_refused(tmp_path, table, message):
    file = tmp_path / "tags.toml"
    file.write_text(f"a = 1.0\n[[tag]]\n{table}")
    with pytest.raises(LoadError) as caught:
        read_files([str(file)])
    assert str(caught.value) == f"{file}:3: {message}"
