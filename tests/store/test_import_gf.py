import json
import sqlite3

import pytest
import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.canonical import canonical, id_of
from clantune_store.database.content import content
from clantune_store.database.tables import groups, labels, parents, runs, spaces
from clantune_store.errors import StoreError
from clantune_store.exchange.import_gf import Imported, import_gf
from clantune_store.exchange.merge import merge
from clantune_store.space.space import Space

SCHEMA = """
CREATE TABLE param_meta (pid INTEGER PRIMARY KEY AUTOINCREMENT, generated, parents);
CREATE TABLE run_meta (run INTEGER PRIMARY KEY AUTOINCREMENT, pid, start, stop, family, dataset);
CREATE TABLE params (pid, param, name, value, PRIMARY KEY (pid, param, name));
CREATE TABLE results (run, algo, name, value, PRIMARY KEY (run, algo, name));
CREATE INDEX results_algo ON results (algo);
"""
VALUES = [
    ("seconds_15__stop_threshold", "fast", "12.3"),
    ("overall", "decay_rate_int", "5"),
    ("runtime", "single_trigger_bool", "1"),
    ("runtime", "exit_check_choice", '["custom", "defined", "30 seconds", "custom"]'),
    ("", "value_a", "3"),
]


@pytest.fixture
def old(tmp_path):
    """File with three groups, of which the third is bred from runs 1 and 2, and four runs."""
    path = tmp_path / "old.gf"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(SCHEMA)
        for pid, told, shift in (
            (1, {"origin": "load"}, 0),
            (2, None, 1),
            (7, {"highest": True, "a": "SPY", "b": "QQQ", "pA": 1, "pB": 2}, 2),
        ):
            connection.execute(
                "INSERT INTO param_meta VALUES (?, ?, ?)",
                (pid, 1671800000.5 + pid, None if told is None else json.dumps(told)),
            )
            for param, name, value in VALUES:
                text = str(3 + shift) if name == "value_a" else value
                row = (pid, param, name, text)
                connection.execute("INSERT INTO params VALUES (?, ?, ?, ?)", row)
        connection.executemany(
            "INSERT INTO run_meta VALUES (?, ?, ?, ?, ?, ?)",
            [
                (1, 1, 1671800000.0, 1671800002.5, "SPY", "SPY"),
                (2, 2, "1671800000", "2022-12-23 12:53:22", "QQQ", "QQQ"),
                (3, 7, "2022-12-23T13:53:20+01:00", None, "{SPY,QQQ}", "SPY"),
                (4, 7, None, None, None, None),
            ],
        )
        connection.executemany(
            "INSERT INTO results VALUES (?, ?, ?, ?)",
            [
                (1, "co2", "profit", "3"),
                (1, "co2", "note", '"good"'),
                (1, "other", "great", 4),
                (2, "co2", "profit", "NaN"),
                (3, "co2", "profit", 2.5),
                (3, "", "ms", "plain text"),
            ],
        )
    connection.close()
    return path


@pytest.fixture
def change(old):
    def execute(statement):
        connection = sqlite3.connect(old)
        connection.execute(statement)
        connection.commit()
        connection.close()

    return execute


def ask(database, query):
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_groups_runs_and_results_are_imported_and_old_numbers_are_labels(database, old):
    assert import_gf(database, old) == Imported(groups=3, runs=4, results=6)
    values = {
        "seconds_15__stop_threshold__fast": 12.3,
        "overall__decay_rate_int": 5,
        "runtime__single_trigger_bool": True,
        "runtime__exit_check_choice": "custom",
        "value_a": 3.0,
    }
    query = sa.select(groups.c.id, groups.c.origin, groups.c.created, labels.c.label)
    found = ask(database, query.join(labels).order_by(labels.c.label))
    assert found == [
        (id_of(canonical(values)), "load", 1671800001.5, "old/1"),
        (id_of(canonical({**values, "value_a": 4.0})), "import", 1671800002.5, "old/2"),
        (id_of(canonical({**values, "value_a": 5.0})), "breed", 1671800007.5, "old/7"),
    ]
    columns = (runs.c.family, runs.c.state, runs.c.started, runs.c.stopped)
    assert sorted(ask(database, sa.select(*columns)), key=str) == [
        ("", "ok", None, None),
        ("QQQ", "ok", 1671800000.0, 1671800002.0),
        ("SPY", "ok", 1671800000.0, 1671800002.5),
        ("{SPY,QQQ}", "ok", 1671800000.0, None),
    ]
    measured = "SELECT algo, name, value FROM results ORDER BY algo, name, value"
    assert sorted(ask(database, sa.text(measured)), key=str) == [
        ("", "ms", None),
        ("co2", "note", None),
        ("co2", "profit", 2.5),
        ("co2", "profit", 3.0),
        ("co2", "profit", None),
        ("other", "great", 4.0),
    ]


def test_the_space_of_a_group_has_the_options_of_its_choices_once(database, old):
    import_gf(database, old)
    query = (
        sa.select(spaces.c.document)
        .join(groups, groups.c.space == spaces.c.id)
        .join(labels, labels.c.group == groups.c.number)
        .where(labels.c.label == "old/1")
    )
    ((document,),) = ask(database, query)
    space = Space.from_document(document)
    assert space.parameters["runtime__exit_check_choice"].domain == (
        '"custom"',
        '"defined"',
        '"30 seconds"',
    )
    assert space.values["value_a"] == 3.0


def test_parents_are_the_groups_of_the_runs_that_were_bred(database, old):
    import_gf(database, old)
    number = dict(ask(database, sa.select(labels.c.label, groups.c.id).join(groups)))
    families = dict(ask(database, sa.select(runs.c.id, runs.c.family)))
    found = ask(database, sa.select(parents))
    assert {child for child, *_ in found} == {number["old/7"]}
    assert sorted(
        (parent == number["old/1"], part, weight, families[run])
        for _, parent, part, weight, run in found
    ) == [
        (False, "", 0.5, "QQQ"),
        (True, "", 0.5, "SPY"),
    ]


def test_two_runs_of_one_group_are_one_parent_with_the_whole_weight(database, old, change):
    change("UPDATE run_meta SET pid = 1 WHERE run = 2")
    import_gf(database, old)
    assert [row[2:4] for row in ask(database, sa.select(parents))] == [("", 1.0)]


def test_a_parent_whose_run_has_been_deleted_is_left_out(database, old, change):
    change("DELETE FROM results WHERE run = 2")
    change("DELETE FROM run_meta WHERE run = 2")
    assert import_gf(database, old) == Imported(groups=3, runs=3, results=5)
    assert [row[2:4] for row in ask(database, sa.select(parents))] == [("", 1.0)]


def test_a_second_import_counts_nothing_and_changes_nothing(database, old):
    import_gf(database, old)
    before = content(database)
    assert import_gf(database, old) == Imported(groups=0, runs=0, results=0)
    assert content(database) == before


def test_imports_on_two_machines_are_one_after_a_merge(tmp_path, database, old):
    other = Database(str(tmp_path / "other.db"), create=True)
    import_gf(database, old)
    import_gf(other, old)
    assert content(other) == content(database)
    assert merge(database, other).runs == 0


def test_an_import_goes_on_where_the_last_one_ended(database, old, change):
    import_gf(database, old)
    change("INSERT INTO run_meta VALUES (5, 1, 1671800009.0, 1671800010.0, 'SPY', 'SPY')")
    change("INSERT INTO results VALUES (5, 'co2', 'profit', '9')")
    assert import_gf(database, old) == Imported(groups=0, runs=1, results=1)


def test_groups_with_the_same_values_become_one_with_two_labels(database, old, change):
    change("UPDATE params SET value = '3' WHERE name = 'value_a'")
    assert import_gf(database, old) == Imported(groups=1, runs=4, results=6)
    assert ask(database, sa.select(labels)) == [("old/1", 1), ("old/2", 1), ("old/7", 1)]
    assert ask(database, sa.select(parents)) == []


def test_the_file_is_not_changed(database, old):
    before = old.read_bytes()
    import_gf(database, old)
    assert old.read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "UPDATE params SET value = '{' WHERE pid = 2 AND name = 'value_a'",
            "table params: the value of 'value_a' in group 2 is '{', which is not JSON",
        ),
        (
            "UPDATE params SET value = NULL WHERE pid = 2 AND name = 'fast'",
            (
                "table params: the value of 'seconds_15__stop_threshold__fast' in group 2 is None, "
                "which is not JSON"
            ),
        ),
        (
            "UPDATE param_meta SET parents = '[1]' WHERE pid = 7",
            "table param_meta: the parents of group 7 are '[1]', which is not a JSON object",
        ),
        (
            "UPDATE param_meta SET generated = 'soon' WHERE pid = 7",
            "table param_meta: 'soon' is not a time",
        ),
        ("UPDATE run_meta SET start = x'00'", "table run_meta: b'\\x00' is not a time"),
        (
            "UPDATE run_meta SET pid = 99 WHERE run = 1",
            "table run_meta: a row is of group 99, which does not exist",
        ),
        (
            "INSERT INTO results VALUES (99, 'a', 'b', 1)",
            "table results: a row is of run 99, which does not exist",
        ),
        (
            "INSERT INTO results VALUES (1, 'a', '', 1)",
            "table results, run 1: a name in result['a'] is ''; names are texts that are not empty",
        ),
        (
            "INSERT INTO results VALUES (1, 'a', 'b', x'00')",
            (
                "table results, run 1: result['a']['b'] is of bytes; a result is a number, a truth "
                "value, a text, a list of them, or a dictionary of results"
            ),
        ),
        (
            "DROP TABLE results",
            "table results: it does not exist, so this is not a database of the older program",
        ),
        ("ALTER TABLE results RENAME COLUMN algo TO other", "table results: no such column: algo"),
    ],
)
def test_a_damaged_file_is_refused_and_adds_nothing(tmp_path, old, change, statement, message):
    database = Database(str(tmp_path / "store.db"), create=True)
    before = content(database)
    change(statement)
    with pytest.raises(StoreError) as caught:
        import_gf(database, old)
    assert str(caught.value) == f"{old}, {message}"
    assert content(database) == before


def test_a_value_that_is_not_what_its_name_says_is_refused_with_its_group(tmp_path, old, change):
    database = Database(str(tmp_path / "store.db"), create=True)
    change("UPDATE params SET value = '\"x\"' WHERE pid = 2 AND name = 'decay_rate_int'")
    with pytest.raises(StoreError) as caught:
        import_gf(database, old)
    assert str(caught.value).startswith(f"{old}, table params, group 2: overall__decay_rate_int: ")


def test_files_that_are_no_old_database_are_refused(tmp_path):
    database = Database(str(tmp_path / "store.db"), create=True)
    text = tmp_path / "text.gf"
    text.write_text("a = 1\n" * 1000)
    for path, message in (
        (tmp_path / "none.gf", f"there is no file {tmp_path / 'none.gf'} to import"),
        (tmp_path, f"there is no file {tmp_path} to import"),
        (text, f"{text}, table params: file is not a database"),
        (
            tmp_path / "store.db",
            f"{tmp_path / 'store.db'} is a store already: use `clantune store merge`",
        ),
    ):
        with pytest.raises(StoreError) as caught:
            import_gf(database, path)
        assert str(caught.value) == message
