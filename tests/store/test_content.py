import tracemalloc

import pytest
import sqlalchemy as sa
from rows import add_group, add_run, fill, fill_many

from clantune_store.database import Database
from clantune_store.database.content import content
from clantune_store.database.names import numbers_of
from clantune_store.database.tables import datasets, machines, metrics
from clantune_store.exchange.merge import merge


def test_an_empty_database_has_one_content_everywhere(database, tmp_path):
    assert content(database) == content(Database(str(tmp_path / "other.db"), create=True))


def test_the_order_of_rows_and_names_that_nothing_uses_do_not_change_it(address, tmp_path):
    one, two = Database(address, create=True), Database(str(tmp_path / "two.db"), create=True)
    ids = {}
    with one.write() as connection:
        for name in ("a", "B"):
            group = add_group(connection, {name: 1.0}, label=f"label {name}")
            ids[name] = add_run(
                connection, group, {("x", name): 1.0, ("X", "b"): 0.1}, dataset=name
            )
    with two.write() as connection:
        numbers_of(connection, datasets, [{"name": "unused"}])
        numbers_of(connection, metrics, [{"algo": "un", "name": "used"}])
        numbers_of(connection, machines, [{"facts": "{}"}])
        for name in ("B", "a"):
            group = add_group(connection, {name: 1.0}, label=f"label {name}")
            said = {("X", "b"): 0.1, ("x", name): 1.0}
            add_run(connection, group, said, dataset=name, id_=ids[name])
    assert content(one) == content(two)
    one.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE spaces SET document = '[]'",
        "UPDATE groups SET created = 99 WHERE number = 1",
        "UPDATE groups SET origin = 'x' WHERE number = 1",
        "UPDATE groups SET learned = 'x' WHERE number = 1",
        "UPDATE labels SET label = 'x' WHERE label = 'label-1'",
        "UPDATE parents SET weight = 99 WHERE part = 'entry'",
        "UPDATE parents SET run = child WHERE part = 'entry'",
        "UPDATE campaigns SET round = 99",
        "UPDATE datasets SET name = 'x' WHERE number = 1",
        "UPDATE metrics SET algo = 'x' WHERE number = 1",
        "UPDATE machines SET facts = 'x'",
        "UPDATE runs SET state = 'x' WHERE number = 1",
        "UPDATE runs SET stopped = 99 WHERE number = 1",
        "UPDATE runs SET note = 'x' WHERE number = 1",
        "UPDATE runs SET family = 'x' WHERE number = 1",
        "UPDATE measurements SET value = 0.30000000000000004",
        "UPDATE measurements SET other = 'true'",
        "DELETE FROM measurements",
        "UPDATE named_metrics SET document = '{}'",
    ],
)
def test_any_change_of_what_is_said_changes_it(tmp_path, change):
    database = fill(str(tmp_path / "store.db"), 1)
    before = content(database)
    with database.write() as connection:
        connection.execute(sa.text(change))
    assert content(database) != before


def test_content_and_merge_need_no_more_memory_for_more_measurements(tmp_path):
    peaks = []
    for count in (4_000, 16_000):
        source = fill_many(str(tmp_path / f"many-{count}.db"), count)
        into = Database(str(tmp_path / f"into-{count}.db"), create=True)
        tracemalloc.start()
        merge(into, source)
        same = content(into) == content(source)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert same
    assert peaks[1] < 1.3 * peaks[0]
