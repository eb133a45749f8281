"""Workers share a queue: no run is carried out twice, and none is lost."""

import subprocess
import sys
from pathlib import Path

import pytest
from programs import queue, without_variables, write_plain

from clantune_store import Parameters, Store
from clantune_store.groups.adding import add_group
from clantune_store.runs import claims
from clantune_store.runs.machine import process
from clantune_store.runs.worker import unfinished

MANY = Path(__file__).with_name("many.py")
DIED = "import os; from clantune_store.runs.machine import process; print(process(os.getpid()))"


@pytest.fixture
def database(address, monkeypatch):
    without_variables(monkeypatch)
    store = Store.create(address)
    yield store.database
    store.close()


@pytest.fixture(scope="module")
def dead():
    """Name of a process that has ended."""
    done = subprocess.run([sys.executable, "-c", DIED], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def rows(database):
    with database.read() as connection:
        return [
            tuple(row)
            for row in connection.exec_driver_sql(
                "SELECT state, attempt, process, note FROM runs ORDER BY number"
            )
        ]


def change(database, **values):
    with database.write() as connection:
        connection.execute(claims.runs.update().values(**values))


def test_sixteen_processes_claim_and_no_run_twice(database, address):
    queue(database, "true", names=[f"d{number}" for number in range(20)], count=16)
    command = [sys.executable, str(MANY), "claim", address, "16"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert sorted(map(int, done.stdout.split())) == [*range(1, 321)]


def test_a_claim_says_all_that_a_worker_needs(database):
    campaign = queue(database, "run {}", names=["x", "y"], timeout=3.5, retries=7)
    mark = claims.new_worker()
    assert claims.claim(database, mark, campaign + 1) is None
    assert claims.claim(database, mark, campaign) == claims.Claim(
        *(1, 1, "x", 1, "x", 1, "run {}"), timeout=3.5, retries=7
    )
    assert claims.claim(database, mark).dataset == "y"
    assert claims.claim(database, mark) is None
    assert rows(database) == [("running", 1, process(), mark)] * 2


def test_a_group_is_new_once(database):
    group = Store(database.address.full).load(set={"variable_a": 1})
    space = Store(database.address.full).space(group.number)
    with database.write() as connection:
        added = [
            add_group(connection, {"variable_a": value}, space, origin="load")[1]
            for value in (1.0, 2.0, 2.0)
        ]
    assert added == [False, True, False]


def test_runs_without_a_campaign_are_not_claimed(database):
    queue(database, "true")
    change(database, campaign=None)
    assert claims.claim(database, claims.new_worker()) is None


def test_a_run_whose_program_and_worker_have_died_waits_again(database, dead):
    queue(database, "true", retries=1)
    mark = claims.new_worker()
    claims.claim(database, mark)
    change(database, process=dead, note=mark.replace(process(), dead + "0"), machine=None)
    assert claims.recover(database) == 1
    assert rows(database) == [("queued", 2, None, None)]
    claims.claim(database, mark)
    change(database, process=dead, note=mark.replace(process(), dead + "0"))
    assert claims.recover(database) == 1
    error = (
        '{"error": "its process was lost 2 times: it was killed, or its machine went away, while '
        'no worker was there to see it"}'
    )
    assert rows(database) == [("failed", 2, dead, error)]
    assert claims.recover(database) == 0


def test_a_run_that_was_claimed_and_never_begun_is_no_attempt(database, dead):
    queue(database, "true", retries=0)
    mark = claims.new_worker()
    claims.claim(database, mark)
    change(database, process=dead, note=mark.replace(process(), dead))
    claims.recover(database)
    assert rows(database) == [("queued", 1, None, None)]


def test_a_run_whose_program_or_whose_worker_lives_is_left_alone(database, dead):
    queue(database, "true")
    mark = claims.new_worker()
    claims.claim(database, mark)
    change(database, note=mark.replace(process(), dead), heartbeat=0.0)
    assert claims.recover(database) == 0
    change(database, process=dead, note=mark)
    assert claims.recover(database) == 0


def test_a_run_of_another_machine_is_lost_when_it_is_silent(database):
    queue(database, "true")
    mark = claims.new_worker()
    claims.claim(database, mark)
    change(database, process="elsewhere/1/1", note=mark.replace(process(), "elsewhere/2/1"))
    assert claims.recover(database) == 0
    change(database, heartbeat=0.0)
    assert claims.recover(database) == 1


def test_a_beat_keeps_a_run_of_another_machine(database):
    queue(database, "true")
    mark = claims.new_worker()
    claimed = claims.claim(database, mark)
    change(database, process="elsewhere/1/1", note=mark.replace(process(), "elsewhere/2/1"))
    change(database, heartbeat=0.0)
    claims.beat(database, [claimed])
    assert claims.recover(database) == 0


def test_a_run_that_was_marked_as_stale_waits_again(database, dead):
    queue(database, "true")
    mark = claims.new_worker()
    claims.claim(database, mark)
    change(database, process=dead, note=mark.replace(process(), dead + "0"), state="stale")
    assert claims.recover(database) == 1
    assert rows(database) == [("queued", 2, None, None)]


def test_a_run_that_was_marked_as_stale_is_not_finished(database):
    campaign = queue(database, "true")
    claims.claim(database, claims.new_worker())
    change(database, state="stale")
    assert claims.recover(database) == 0  # its worker lives, and will say how it has ended
    assert unfinished(database, campaign) == 1


def test_a_late_report_of_a_run_that_waits_again_counts(database, monkeypatch):
    queue(database, "true")
    mark = claims.new_worker()
    claimed = claims.claim(database, mark)
    monkeypatch.setenv("CLANTUNE_RUN", str(claimed.number))
    with Parameters(Store(database.address.full), group=1).report() as result:
        result["a"]["b"] = 1
        claims.give_back(database, mark, [claimed])
        assert rows(database)[0][:2] == ("queued", 1)
    assert rows(database)[0][0] == "ok"
    assert claims.claim(database, mark) is None


def test_workers_at_once_carry_each_run_out_once(address, database, tmp_path):
    command = write_plain(tmp_path, "import sys; print(sys.argv[1])")
    queue(database, command, names=[f"d{number}" for number in range(12)])
    clantune = (
        "import sys; from clantune_store.command import main; sys.exit(main(sys.argv[1:], ''))"
    )
    logs = ["--logs", str(tmp_path / "logs"), "--db", address]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", clantune, "work", "--jobs", "2", "--idle", "0", *logs],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(2)
    ]
    said = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] in ([1, 1], [0, 1], [1, 0])
    told = [line.removeprefix("runs carried out: ").strip() for line in said]
    assert sum(int(each.removeprefix("failed ")) for each in told) == 12
    assert sorted(path.read_text() for path in (tmp_path / "logs").iterdir()) == sorted(
        f"d{number}\n" for number in range(12)
    )
