import itertools
import sys
import uuid

import pytest
import sqlalchemy as sa
from processes import at_once
from rows import add_group, add_run, fill

from clantune_store import Store
from clantune_store.database import Database
from clantune_store.database.content import content
from clantune_store.database.tables import groups, labels, measurements, parents, runs
from clantune_store.errors import MergeError
from clantune_store.exchange.merge import Merged, merge
from clantune_store.groups.finding import newest_space

RUN = uuid.UUID(int=1)


@pytest.fixture
def three(tmp_path):
    made = [fill(str(tmp_path / f"{seed}.db"), seed) for seed in (1, 2, 3)]
    yield made
    for each in made:
        each.close()


def empty(folder, name):
    return Database(str(folder / name), create=True)


def rows_of(database, table, *columns):
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*columns or (table,)))]


def test_any_order_any_number_of_times_and_any_nesting_give_one_content(tmp_path, three):
    found = set()
    for number, order in enumerate(itertools.permutations(three)):
        into = empty(tmp_path, f"order-{number}.db")
        for other in order:
            merge(into, other)
        found.add(content(into))
        again = merge(into, *order)
        assert (again.groups, again.runs) == (0, 0)
        found.add(content(into))
    pair, nested = empty(tmp_path, "pair.db"), empty(tmp_path, "nested.db")
    merge(pair, three[2], three[0])
    merge(nested, three[1], pair)
    assert len(found) == 1
    assert content(nested) in found


def test_through_postgresql_and_back_gives_the_same_content(tmp_path, three, postgres_address):
    straight, back = empty(tmp_path, "straight.db"), empty(tmp_path, "back.db")
    merge(straight, *three)
    server = Database(postgres_address, create=True)
    merge(server, three[2], three[0], three[1])
    merge(server, three[0])
    merge(back, server)
    assert content(server) == content(straight) == content(back)
    server.close()


def test_several_merges_at_once_into_one_database(tmp_path, three, address):
    Database(address, create=True).close()
    sources = [str(one.address.path) for one in three]
    assert at_once(4, merge_all, address, sources) == ["done"] * 4
    straight, there = empty(tmp_path, "straight.db"), Database(address)
    merge(straight, *three)
    assert content(there) == content(straight)
    there.close()


def merge_all(address, sources):
    into = Database(address)
    merge(into, *map(Database, sources))
    into.close()
    return "done"


def test_a_merge_is_the_union_of_what_is_there(address, tmp_path):
    into, one = Database(address, create=True), empty(tmp_path, "one.db")
    with into.write() as connection:
        add_run(connection, add_group(connection, {"a": 9.0}), {("x", "y"): 1.0})
    with one.write() as connection:
        first = add_group(connection, {"a": 1.0}, label="first")
        add_group(connection, {"a": 9.0}, label="nine")
        add_run(
            connection, first, {("co2", "profit"): 3.5, ("", "ms"): 7.0}, id_=RUN, dataset="SPY"
        )
        ids = list(connection.execute(sa.select(groups.c.id)).scalars())
        pair = {"child": ids[0], "parent": ids[1], "part": "", "weight": 0.5, "run": RUN}
        connection.execute(parents.insert().values(**pair))
    assert merge(into, one) == Merged(groups=1, runs=1, conflicts=())
    assert [text for (text,) in rows_of(into, None, groups.c.parameters)] == [
        '{"a":9.0}',
        '{"a":1.0}',
    ]
    assert sorted(rows_of(into, labels)) == [("first", 2), ("nine", 1)]
    assert rows_of(into, parents) == [(ids[0], ids[1], "", 0.5, RUN)]
    view = sa.text("SELECT run, algo, name, value FROM results ORDER BY run, algo, name")
    with into.read() as connection:
        assert connection.execute(view).all() == [
            (1, "x", "y", 1.0),
            (2, "", "ms", 7.0),
            (2, "co2", "profit", 3.5),
        ]
        datasets_of_runs = sa.select(runs.c.number, measurements.c.dataset).where(
            runs.c.number == measurements.c.run, runs.c.dataset == measurements.c.dataset
        )
        assert len(connection.execute(datasets_of_runs).all()) == 3
    into.close()


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ({"state": "running", "stopped": None}, {"state": "ok"}),
        ({"state": "queued", "stopped": None}, {"state": "running", "stopped": None}),
        ({"state": "running", "stopped": None}, {"state": "stale"}),
        ({"state": "stale"}, {"state": "failed"}),
        ({"state": "failed"}, {"state": "ok"}),
        ({"state": "ok", "stopped": 2.0}, {"state": "ok", "stopped": 3.0}),
        ({"state": "ok", "note": "a"}, {"state": "ok", "note": "b"}),
    ],
)
def test_of_one_run_the_version_that_is_further_stays_in_both_directions(tmp_path, worse, better):
    made = {}
    for name, said, results in (
        ("worse", worse, {("c", "old"): 1.0}),
        ("better", better, {("c", "new"): 2.0}),
    ):
        made[name] = empty(tmp_path, f"{name}.db")
        with made[name].write() as connection:
            add_run(connection, add_group(connection, {"a": 1.0}), results, id_=RUN, **said)
    aim = content(made["better"])
    merge(made["better"], made["worse"])
    assert content(made["better"]) == aim
    merge(made["worse"], made["better"])
    assert content(made["worse"]) == aim


def test_measurements_that_one_of_two_equal_runs_lacks_are_added(tmp_path):
    made = [empty(tmp_path, name) for name in ("one.db", "two.db")]
    said = [{("c", "a"): 1.0, ("c", "b"): 5.0}, {("c", "a"): 2.0, ("c", "d"): 4.0}]
    for database, results in zip(made, said, strict=True):
        with database.write() as connection:
            add_run(connection, add_group(connection, {"a": 1.0}), results, id_=RUN)
    merge(made[0], made[1])
    merge(made[1], made[0])
    assert content(made[0]) == content(made[1])
    assert sorted(value for (value,) in rows_of(made[0], None, measurements.c.value)) == [1, 4, 5]


def test_a_group_that_differs_keeps_its_older_version_in_both_directions(tmp_path):
    made = {}
    for name, said in (
        ("old", {"created": 1.0, "origin": "breed", "learned": "[1]"}),
        ("new", {"created": 2.0, "origin": "load", "learned": None}),
    ):
        made[name] = empty(tmp_path, f"{name}.db")
        with made[name].write() as connection:
            add_group(connection, {"a": 1.0}, **said)
    aim = content(made["old"])
    merge(made["old"], made["new"])
    merge(made["new"], made["old"])
    assert content(made["old"]) == content(made["new"]) == aim


def test_the_space_that_was_loaded_last_is_the_newest_after_a_merge(tmp_path):
    one, two = (Store.create(tmp_path / name) for name in ("one.db", "two.db"))
    with one, two:
        for store, names in ((one, "a"), (one, "ab"), (two, "a")):
            store.load(set=dict.fromkeys(names, 1.0))
        one.merge(two)
        two.merge(one)
        assert one.content() == two.content()
        for store in (one, two):
            with store.database.read() as connection:
                assert [*newest_space(connection).parameters] == ["a"]


def test_a_label_of_two_groups_and_a_metric_with_two_meanings_are_kept_and_reported(tmp_path):
    made = [empty(tmp_path, name) for name in ("one.db", "two.db")]
    for number, database in enumerate(made):
        with database.write() as connection:
            add_group(connection, {"a": float(number)}, label="it's")
            connection.exec_driver_sql(
                "INSERT INTO named_metrics VALUES (?, ?)", ("best", f'{{"expression":"m{number}"}}')
            )
    expected = (
        'the label "it\'s" names several groups: 1, 2',
        'the metric \'best\' has several meanings: {"expression":"m0"} and {"expression":"m1"}',
    )
    assert merge(made[0], made[1]) == Merged(1, 0, expected)
    assert merge(made[0], made[1]) == Merged(0, 0, expected)


@pytest.mark.parametrize("other", ["store.db", "sqlite:///{}/store.db", "link.db"])
def test_a_file_is_not_merged_into_itself(tmp_path, monkeypatch, other):
    monkeypatch.chdir(tmp_path)
    into = empty(tmp_path, "store.db")
    (tmp_path / "link.db").symlink_to(tmp_path / "store.db")
    same = Database(other.format(tmp_path))
    with pytest.raises(MergeError) as caught:
        merge(into, same)
    assert str(caught.value) == (
        f"{same.address.shown} cannot be merged into itself: name another database"
    )


def test_a_schema_of_a_server_is_not_merged_into_itself(postgres_address):
    into, same = Database(postgres_address, create=True), Database(postgres_address)
    with pytest.raises(MergeError, match="cannot be merged into itself"):
        merge(into, same)
    into.close()
    same.close()


@pytest.mark.skipif(sys.platform == "win32", reason="needs two databases open for writing")
def test_nothing_is_merged_if_one_of_the_others_is_the_database_itself(tmp_path, three):
    before = content(three[0])
    with pytest.raises(MergeError):
        merge(three[0], three[1], three[0])
    assert content(three[0]) == before
