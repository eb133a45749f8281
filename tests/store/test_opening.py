"""Opening a database: first tables, what cannot be opened, upgrades, and several processes."""

import os
import pickle
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import processes
import pytest
import sqlalchemy as sa

from clantune_store.database import Database, tables, upgrading
from clantune_store.database.network_disk import network_disk_of
from clantune_store.errors import StoreError

MAKE = "make one with `clantune store load FILE`, or name another one with --db or CLANTUNE_DB"
AWAY = 'connection failed: connection to server at "127.0.0.1", port 1 failed: Connection refused'


def refusal(where, **options):
    with pytest.raises(StoreError) as caught:
        Database(where, **options)
    return str(caught.value)


def names_in(database):
    with database.read() as connection:
        return sorted(connection.execute(sa.select(tables.datasets.c.name)).scalars())


def add(database, name):
    with database.write() as connection:
        connection.execute(tables.datasets.insert().values(name=name))


def test_sixteen_processes_that_make_the_tables_at_once_have_no_error(address):
    assert processes.at_once(16, processes.make, address) == [1] * 16


def test_a_missing_file_is_not_made(tmp_path):
    path = tmp_path / "none.db"
    assert refusal(path) == f"there is no file {path}; {MAKE}"
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_not_made(tmp_path):
    path = tmp_path / "none" / "a.db"
    assert refusal(path, create=True) == (
        f"there is no folder {path.parent} for the database {path}"
    )


def test_a_folder_is_no_database(tmp_path):
    assert refusal(tmp_path) == f"{tmp_path} is a folder; give the file of the database in it"


def test_a_file_of_something_else_is_no_database(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("some text\n" * 1000)
    for create in (False, True):
        assert refusal(path, create=create) == (
            f"{path}: file is not a database; it is the file of another program, or damaged"
        )
    assert path.read_text() == "some text\n" * 1000


def test_an_empty_file_stays_empty(tmp_path):
    path = tmp_path / "a.db"
    path.touch()
    assert refusal(path) == f"there is no store in {path}; {MAKE}"
    assert path.stat().st_size == 0


def test_the_database_of_another_program_is_left_as_it_is(tmp_path):
    path = tmp_path / "a.db"
    other = sqlite3.connect(path)
    other.executescript("CREATE TABLE notes(text); CREATE TABLE authors(name);")
    other.close()
    before = path.read_bytes()
    for create in (False, True):
        assert refusal(path, create=create) == (
            f"{path} is a database of another program, which has the tables authors, notes: "
            "a store needs a file of its own"
        )
    assert path.read_bytes() == before


def test_the_database_of_the_older_program_is_to_be_imported(tmp_path):
    path = tmp_path / "old.gf"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE param_meta(pid INTEGER PRIMARY KEY)")
    other.close()
    assert refusal(path) == (
        f"{path} has the tables of an older program: copy it into a store with "
        f"`clantune store import-gf {path} --db NEW`"
    )


def test_a_server_without_a_store_is_named_with_the_schema(postgres_address):
    shown = postgres_address.replace("postgres:@", "postgres@")
    assert refusal(postgres_address) == f"there is no store in {shown}; {MAKE}"
    assert "?schema=test_" in shown.replace("&", "?")


ADA = "ada:" + "SECRET"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://{ADA}@127.0.0.1:1/store",
        "postgresql://ada@127.0.0.1:1/store?password=SECRET",
    ],
)
def test_a_server_that_is_away_is_named_without_the_password(url):
    message = refusal(url, timeout=0.15)
    assert "SECRET" not in message
    assert message.startswith(f"postgresql://ada@127.0.0.1:1/store: {AWAY}")
    assert message.endswith("; this was tried for 0.15 s: is the server running?")


def test_a_database_that_the_server_does_not_have_is_not_waited_for(postgres_url):
    url = sa.make_url(postgres_url).set(database="nothing").render_as_string(hide_password=False)
    message = refusal(url, timeout=60)
    assert message.startswith("postgresql://")
    assert message.endswith('FATAL:  database "nothing" does not exist')


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "the path of the database is empty"),
        (
            f"mysql://{ADA}@host/store",
            (
                "a store cannot use 'mysql://ada@host/store'; it uses a file of SQLite or a server "
                "of PostgreSQL: give a path, or postgresql://USER@HOST/DATABASE"
            ),
        ),
        (
            f"postgresql://{ADA}@host:port/store",
            (
                "this is not a URL of a database; give a path, sqlite:///PATH or "
                "postgresql://USER@HOST/DATABASE"
            ),
        ),
        (
            "postgresql://host/store?schema=a;b",
            "the schema 'a;b' of a URL must be one name of letters, digits and _",
        ),
    ],
)
def test_an_address_that_is_none_is_refused(url, message):
    assert refusal(url) == message


MOUNTS = """\
21 1 8:1 / / rw - ext4 /dev/sda1 rw
22 21 0:30 / /disk rw shared:1 - nfs4 server:/disk rw
23 22 8:2 / /disk/local rw - xfs /dev/sdb rw
24 21 0:31 / /far/my\\040share rw - cifs //server/share rw
25 21 0:32 / /far/Büro rw - fuse.sshfs ada@server:/ rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/store.db", ""),
        ("/disk/ada/store.db", "nfs4"),
        ("/disk/local/store.db", ""),
        ("/disks/store.db", ""),
        ("/far/my share/store.db", "cifs"),
        ("/far/Büro/store.db", "fuse.sshfs"),
    ],
)
def test_network_disks_are_known_by_their_mount(tmp_path, path, kind):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS, "utf-8")
    assert network_disk_of(type(tmp_path)(path), mounts) == kind


def test_a_file_on_a_network_disk_is_refused_unless_its_user_insists(tmp_path, monkeypatch):
    monkeypatch.setattr("clantune_store.database.opening.network_disk_of", lambda _: "nfs4")
    path = tmp_path / "a.db"
    assert refusal(path, create=True) == (
        f"{path} is on a network disk (nfs4), where SQLite cannot keep several machines from "
        "writing at the same time: use a server, postgresql://USER@HOST/DATABASE, or a local file "
        "and `clantune store auto --executor`; "
        f"sqlite:///{path}?network=yes insists"
    )
    Database(f"sqlite:///{path}?network=yes", create=True).close()


def test_a_newer_database_is_left_to_a_newer_release(database):
    with database.write() as connection:
        connection.execute(tables.store.update().values(version=3, readable_by=2))
    where = database.address.shown
    assert refusal(where) == (
        f"{where} has tables of version 3, and this release of clantune-store reads up to version "
        "1: upgrade clantune-store"
    )


def test_a_newer_database_that_this_release_can_read_is_opened(database):
    with database.write() as connection:
        connection.execute(tables.store.update().values(version=3, readable_by=1))
    opened = Database(database.address.shown)
    with opened.read() as connection:
        assert connection.execute(sa.select(tables.store.c.version)).scalar_one() == 3
    opened.close()


def release_of_version_2(monkeypatch):
    monkeypatch.setattr(tables, "VERSION", 2)
    monkeypatch.setattr(upgrading, "STEPS", {1: processes.NEWER})


def version_in(path):
    connection = sqlite3.connect(path)
    version = connection.execute("SELECT version FROM store").fetchone()[0]
    names = [row[1] for row in connection.execute("PRAGMA table_info(runs)")]
    connection.close()
    return version, "priority" in names


def test_an_older_file_is_upgraded_after_a_copy_of_it(tmp_path, monkeypatch):
    path = tmp_path / "a.db"
    database = Database(path, create=True)
    add(database, "SPY")
    release_of_version_2(monkeypatch)
    newer = Database(path)
    assert names_in(newer) == ["SPY"]
    newer.close()
    database.close()
    assert version_in(path) == (2, True)
    assert version_in(tmp_path / "a.db.version-1") == (1, False)


def test_older_tables_of_a_server_are_upgraded_on_request_only(postgres_address, monkeypatch):
    database = Database(postgres_address, create=True)
    release_of_version_2(monkeypatch)
    shown = database.address.shown
    assert refusal(postgres_address) == (
        f"{shown} has tables of version 1, and this release writes version 2. Other programs may "
        f"still use it, so it is not upgraded by itself: `clantune store upgrade --db {shown}`"
    )
    newer = Database(postgres_address, upgrade=True)
    assert "priority" in processes.columns_of(newer, "runs")
    assert newer.upgrade() is False
    newer.close()
    database.close()


def test_an_upgrade_that_is_killed_leaves_the_old_tables(database):
    where = database.address.shown
    assert processes.exit_code_of(processes.die_in_upgrade, where) == -9
    assert "priority" not in processes.columns_of(database, "runs")
    assert processes.at_once(1, processes.upgrade, where) == [1]
    assert "priority" in processes.columns_of(database, "runs")


def test_eight_upgrades_at_once_do_it_once(database):
    where = database.address.shown
    assert sorted(processes.at_once(8, processes.upgrade, where)) == [0] * 7 + [1]
    if database.address.path:
        assert version_in(f"{where}.version-1") == (1, False)


def test_a_database_is_used_by_threads(database):
    ready = threading.Barrier(20)

    def write(number):
        ready.wait(10)
        add(database, f"{number:02}")

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(write, range(20)))
    assert names_in(database) == [f"{number:02}" for number in range(20)]


def test_a_database_is_used_after_a_fork(database):
    add(database, "before")
    child = os.fork()
    if not child:
        status = 1
        try:
            add(database, "child")
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    add(database, "after")
    assert names_in(database) == ["after", "before", "child"]


def test_a_database_is_used_in_another_process(database):
    add(database, "parent")
    assert processes.at_once(1, processes.count_runs_of_unpickled, database) == [2]
    assert names_in(database) == ["child", "parent"]


def test_a_pickle_of_a_database_is_used_here(database):
    add(database, "SPY")
    copy = pickle.loads(pickle.dumps(database))
    assert names_in(copy) == ["SPY"]
    copy.close()


def test_a_writer_that_waits_too_long_says_so(tmp_path):
    path = tmp_path / "a.db"
    first, second = Database(path, create=True), Database(path, timeout=0.1)
    with first.write(), pytest.raises(StoreError) as caught:
        add(second, "SPY")
    assert str(caught.value) == (
        f"{path}: database is locked; other processes have written for 0.1 s without a pause: give "
        "more than that, timeout=..., or use a server of PostgreSQL"
    )
    first.close()
    second.close()
