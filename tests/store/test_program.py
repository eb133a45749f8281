"""A run of a command: what it gets, how it ends, and who says so."""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from programs import queue, without_variables, write_plain, write_program

from clantune_store import Parameters, ReportError, Store, StoreError
from clantune_store.runs import claims
from clantune_store.runs.machine import is_dead
from clantune_store.runs.program import CommandError, Programs, end_all, parts_of

TELLS = """
import json, os, sys
names = [name for name in os.environ if name.startswith(("CLANTUNE_", "GF_"))]
told = {name: os.environ[name] for name in [*names, "MINE"]}
print(json.dumps([sys.argv[1:], told, sys.stdin.read(), os.getpid() == os.getsid(0)]))
"""
HOSTILE = "a b'; touch x; $(touch y) `touch z` \"{}\\ \n*"


@pytest.fixture
def store(tmp_path, monkeypatch):
    without_variables(monkeypatch)
    monkeypatch.chdir(tmp_path)
    store = Store.create(tmp_path / "testing.db")
    yield store
    store.close()


def run_one(store, **options):
    """Carry out the run that waits; return it."""
    store.work(jobs=1, **options)
    return store.runs()[-1]


def test_a_program_gets_the_whole_environment_and_what_names_its_run(store, tmp_path, monkeypatch):
    monkeypatch.setenv("MINE", "kept")
    monkeypatch.setenv("GF_DATA", "another")
    monkeypatch.setenv("CLANTUNE_RUN", "99")
    queue(store.database, write_plain(tmp_path, TELLS) + " -x{}y", names=[HOSTILE])
    run = run_one(store)
    arguments, variables, given, leads_session = json.loads(run.note["log"])
    assert arguments == [HOSTILE, f"-x{HOSTILE}y"]
    assert variables == {
        "MINE": "kept",
        "CLANTUNE_DB": str(tmp_path / "testing.db"),
        "CLANTUNE_GROUP": "1",
        "CLANTUNE_DATA": HOSTILE,
        "CLANTUNE_FAMILY": HOSTILE,
        "CLANTUNE_RUN": "1",
    }
    assert (given, leads_session) == ("", True)
    assert not {"x", "y", "z"} & {path.name for path in tmp_path.iterdir()}


def test_a_program_gets_variables_whose_names_are_none_of_a_shell(store, tmp_path, monkeypatch):
    monkeypatch.setenv("BASH_FUNC_module%%", "() { true; }")  # as of the modules of a cluster
    text = """
import os
print(os.environ["BASH_FUNC_module%%"])
"""
    queue(store.database, write_plain(tmp_path, text))
    assert run_one(store).note["log"] == "() { true; }\n"


def test_a_program_whose_reader_has_gone_ends_in_silence(store):
    queue(store.database, "sh -c 'yes | head -n 1'")  # by SIGPIPE, which Python ignores
    assert run_one(store).note["log"] == "y\n"


def test_a_program_that_reports_ends_its_own_run(store, tmp_path):
    queue(store.database, write_program(tmp_path, "print('said', flush=True)"))
    assert run_one(store).results == {"a": {"value": 0.0}}
    (run,) = store.runs()
    assert (run.state, run.dataset, run.family, run.note) == ("ok", "d", "d", {})
    assert "python" in run.machine
    assert (tmp_path / "testing.db-logs" / "run-1.log").read_text() == "said\n"


@pytest.mark.parametrize(
    ("text", "error", "log"),
    [
        ("print('some'); print('last')", "exit status 0 without a report: last", "some\nlast\n"),
        ("raise SystemExit(3)", "exit status 3 without a report", ""),
        ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL", ""),
        ("import os; os.kill(os.getpid(), 40)", "killed by signal 40", ""),
        (
            "import os; os.write(1, b'\\xff\\0\\x1b')",
            "exit status 0 without a report: \ufffd\0\x1b",
            "\ufffd\0\x1b",
        ),
    ],
)
def test_a_program_that_does_not_report_has_failed(store, tmp_path, text, error, log):
    queue(store.database, write_plain(tmp_path, text))
    run = run_one(store)
    file = str(tmp_path / "testing.db-logs" / "run-1.log")
    assert run.state == "failed"
    assert run.note == {"error": error, "log": log, "file": file}


def test_the_end_of_a_long_log_is_kept(store, tmp_path):
    queue(store.database, write_plain(tmp_path, "print('x' * 100_000 + 'end')"))
    log = run_one(store).note["log"]
    assert (len(log), log[-4:]) == (20_000, "end\n")


@pytest.mark.parametrize(
    ("command", "begin"),
    [
        (
            "no-such-program {}",
            (
                "the command cannot be started, exit status 127: no-such-program: No such file or "
                "directory"
            ),
        ),
        ("/ {}", "the command cannot be started, exit status 127: /: Permission denied"),
        (
            "python '{}",
            (
                'the command cannot be started: the command "python \'{}" cannot be read: No '
                "closing quotation"
            ),
        ),
        (
            " ",
            (
                "the command cannot be started: the command is empty: give one, such as "
                "'python train.py {}'"
            ),
        ),
        ("true " + "x" * 140_000, "the command cannot be started: [Errno 7] Argument list too"),
    ],
)
def test_a_command_that_cannot_be_started_fails_its_run(store, command, begin):
    queue(store.database, command)
    run = run_one(store)
    assert run.state == "failed"
    assert run.note["error"].startswith(begin)


CHILDREN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if not os.fork():
    open("child", "w").write(str(os.getpid()))
    time.sleep(600)
time.sleep(600)
"""


def test_a_timeout_ends_all_processes_of_a_run(store, tmp_path, monkeypatch):
    monkeypatch.setattr("clantune_store.runs.program.GRACE", 0.1)
    let_go = Programs._let_go

    def let_go_until_there_is_a_child(programs, claimed, program):
        let_go(programs, claimed, program)
        while not ((tmp_path / "child").exists() and (tmp_path / "child").read_text()):
            time.sleep(0.01)
        return True

    monkeypatch.setattr(Programs, "_let_go", let_go_until_there_is_a_child)
    queue(store.database, write_plain(tmp_path, CHILDREN), timeout=0.1)
    assert run_one(store).note["error"] == "timed out after 0.1 s, and was ended"
    child = int((tmp_path / "child").read_text())
    while is_dead(f"{os.uname().nodename}/{child}/{begin_of(child)}") is False:
        time.sleep(0.01)


IGNORES = "trap '' TERM; echo; exec sleep 600"


def test_programs_that_ignore_the_end_are_waited_for_together(monkeypatch):
    monkeypatch.setattr("clantune_store.runs.program.GRACE", 0.1)
    waits = []

    class Watched(subprocess.Popen):
        def wait(self, timeout=None):
            waits.append(timeout)
            return super().wait(timeout)

    running = [
        Watched(["/bin/sh", "-c", IGNORES], stdout=subprocess.PIPE, start_new_session=True)
        for _ in range(3)
    ]
    for each in running:
        assert each.stdout.readline() == b"\n"
        each.stdout.close()
    end_all(running)
    assert [each.returncode for each in running] == [-signal.SIGKILL] * 3
    assert [timeout for timeout in waits if timeout is not None][1:] == [0.0, 0.0]


def begin_of(pid):
    from clantune_store.runs.machine import started

    return started(pid)


def test_a_run_that_reported_and_was_killed_keeps_its_report(store, tmp_path):
    command = write_program(tmp_path)
    path = Path(command.split()[1])
    path.write_text(path.read_text() + "os.kill(os.getpid(), 9)\n")
    queue(store.database, command)
    assert run_one(store).state == "ok"


def test_a_fault_in_a_report_is_what_the_run_keeps(store, tmp_path):
    queue(store.database, write_program(tmp_path, "raise ValueError('no data')"))
    run = run_one(store)
    assert run.note["error"].endswith("ValueError: no data\n")
    assert run.note["partial"] == {"a.value": 0.0}


def test_the_process_of_a_run_is_known_before_the_program_begins(store, tmp_path):
    write_plain(tmp_path, "import os; open(f'begun-{os.getpid()}', 'w')")
    queue(store.database, f"python3 -S {tmp_path / 'plain.py'}")
    mark = claims.new_worker()
    claimed = claims.claim(store.database, mark)
    programs = Programs(store.database, mark, tmp_path / "logs")
    seen = []

    def begin(database, claimed, worker, program):
        time.sleep(0.2)
        seen.append([path.name for path in tmp_path.glob("begun-*")])
        return claims.begin(database, claimed, worker, program)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clantune_store.runs.program.begin", begin)
        programs.run(claimed)
    assert seen == [[]]
    (begun,) = tmp_path.glob("begun-*")
    (row,) = store.sql("SELECT process FROM runs")[1]
    assert row[0].split("/")[1] == begun.name.removeprefix("begun-")


def test_a_program_whose_run_has_been_taken_never_begins(store, tmp_path):
    write_plain(tmp_path, "open('begun', 'w')")
    queue(store.database, f"python3 -S {tmp_path / 'plain.py'}")
    mark = claims.new_worker()
    claimed = claims.claim(store.database, mark)
    claims.give_back(store.database, mark, [])
    Programs(store.database, mark, tmp_path / "logs").run(claimed)
    assert [run.state for run in store.runs()] == ["queued"]
    assert not (tmp_path / "begun").exists()


def test_programs_that_are_stopped_leave_their_runs_waiting(store, tmp_path):
    queue(store.database, write_plain(tmp_path, "import time; time.sleep(600)"))
    mark = claims.new_worker()
    claimed = claims.claim(store.database, mark)
    programs = Programs(store.database, mark, tmp_path / "logs")
    thread = threading.Thread(target=programs.run, args=[claimed])
    thread.start()
    while not process_of(store).endswith(tuple("0123456789")) or is_own(process_of(store)):
        time.sleep(0.01)
    programs.stop()
    thread.join()
    claims.give_back(store.database, mark, [claimed])
    assert store.sql("SELECT state, attempt, process, note FROM runs")[1] == [
        ("queued", 1, None, None)
    ]


def process_of(store):
    return store.sql("SELECT process FROM runs")[1][0][0]


def is_own(name):
    return name.split("/")[1] == str(os.getpid())


def test_a_second_report_of_a_run_is_refused_while_the_first_one_lives(store, monkeypatch):
    queue(store.database, "true")
    claimed = claims.claim(store.database, claims.new_worker())
    monkeypatch.setenv("CLANTUNE_RUN", str(claimed.number))
    g = Parameters(store)
    with g.report() as result:
        result["a"]["b"] = 1
        process = process_of(store)
        with pytest.raises(ReportError) as info, g.report():
            pass
    assert str(info.value) == (
        f"run 1 is being reported by the process {process} already: report once in a run, and in "
        "one of several processes, or unset CLANTUNE_RUN"
    )
    assert store.runs()[0].results == {"a": {"b": 1.0}}


def test_a_report_after_one_whose_process_died_is_taken(store, tmp_path):
    path = tmp_path / "program.py"
    write_program(tmp_path, "os.kill(os.getpid(), 9) if sys.argv[1] == 'dies' else None")
    python = write_program.__globals__["sys"].executable
    queue(store.database, f"sh -c '{python} {path} dies; {python} {path} lives'")
    assert run_one(store).state == "ok"


def test_a_folder_for_logs_that_cannot_be_made(store, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as info:
        store.work(jobs=1, logs=tmp_path / "file" / "logs")
    assert str(info.value) == (
        f"the folder {tmp_path}/file/logs for logs cannot be made: Not a directory; name another "
        "one with --logs"
    )


@pytest.mark.parametrize("command", ["", " ", "''", "'' x", "x\0", "x\udcff", "x '"])
def test_a_command_that_cannot_be_one_is_refused_before_anything_runs(store, command):
    with pytest.raises(CommandError):
        store.auto(command, "loss", data=["a"])
    assert store.sql("SELECT * FROM campaigns")[1] == []


def test_a_command_is_split_as_a_shell_does_and_the_data_set_is_one_part():
    assert parts_of("a 'b c' --data={} {}", "x y") == ["a", "b c", "--data=x y", "x y"]
