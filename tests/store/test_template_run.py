"""Lines for a shell, which `sh` really runs."""

import json
import subprocess
import sys

import pytest
from programs import queue, without_variables, write_program

from clantune_store import Store
from clantune_store.command import main

TELLS = "import json, os, sys; print(json.dumps([os.environ['CLANTUNE_DATA'], sys.argv[1:]]))"
HOSTILE = 'it\'s $(touch x) `touch y`; "{}" \\ * ~ # é'


@pytest.fixture
def store(tmp_path, monkeypatch):
    without_variables(monkeypatch)
    monkeypatch.chdir(tmp_path)
    store = Store.create(tmp_path / "my store.db")
    for value in (1.0, 2.0):
        store.load(set={"variable_a": value})
    yield store
    store.close()


@pytest.fixture
def call(capsys):
    def run(*arguments):
        status = main([*arguments, "--db", "my store.db"], "clantune store")
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_a_line_for_each_group_and_each_data_set(store, call, tmp_path):
    status, lines, err = call("template-run", "python -m money {}", "SPY", "AMD 22")
    assert (status, err) == (0, "")
    db = f"CLANTUNE_DB='{tmp_path}/my store.db'"
    assert lines.splitlines() == [
        f"{db} CLANTUNE_GROUP={group} {data}"
        for group in (1, 2)
        for data in (
            "CLANTUNE_DATA=SPY CLANTUNE_FAMILY=SPY python -m money SPY",
            "CLANTUNE_DATA='AMD 22' CLANTUNE_FAMILY='AMD 22' python -m money 'AMD 22'",
        )
    ]


def test_lines_of_one_group_and_as_json(store, call):
    store.label(2, "best")
    status, text, _ = call("template-run", "run {}", "SPY", "--group", "best", "--json")
    (line,) = json.loads(text)
    assert status == 0
    assert line.endswith("CLANTUNE_GROUP=2 CLANTUNE_DATA=SPY CLANTUNE_FAMILY=SPY run SPY")


def test_sh_runs_the_lines_and_their_results_are_in_the_store(store, call, tmp_path):
    command = write_program(tmp_path)
    _, lines, _ = call("template-run", command, "SPY", HOSTILE)
    subprocess.run(["sh"], input=lines, text=True, check=True, cwd="/")
    found = [(run.group, run.dataset, run.family, run.results) for run in store.runs()]
    assert found == [
        (group, name, name, {"a": {"value": float(group)}})
        for group in (1, 2)
        for name in ("SPY", HOSTILE)
    ]


def test_hostile_names_are_safe_in_a_shell(store, call, tmp_path):
    _, lines, _ = call("template-run", f'{sys.executable} -c "{TELLS}" {{}} x{{}}', HOSTILE)
    done = subprocess.run(["sh"], input=lines, text=True, check=True, capture_output=True)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        [HOSTILE, [HOSTILE, f"x{HOSTILE}"]]
    ] * 2
    assert not {"x", "y"} & {path.name for path in tmp_path.iterdir()}


def test_runs_are_run_again_under_no_data_set(store, call, tmp_path):
    queue(store.database, write_program(tmp_path), names=["SPY"])
    store.work(jobs=1)
    status, line, _ = call("plot-runs", write_program(tmp_path), "1")
    assert status == 0
    assert line == (
        f"CLANTUNE_DB='{tmp_path}/my store.db' CLANTUNE_GROUP=3 {sys.executable} "
        f"{tmp_path}/program.py SPY\n"
    )
    subprocess.run(["sh"], input=line, text=True, check=True)
    assert [(run.group, run.dataset) for run in store.runs()] == [(3, "SPY"), (3, "")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["template-run", "run {}"],
            (
                "template-run: Missing argument 'DATA...'. (`clantune store template-run --help` "
                "says more)"
            ),
        ),
        (["template-run", "", "SPY"], None),
        (
            ["template-run", "run", "a\nb"],
            "template-run: the data set 'a\\nb' has a line break, and each run is one line",
        ),
        (
            ["template-run", "run", "SPY", "--group", "9"],
            "template-run: there is no group '9'; there are 2, with numbers from 1 to 2",
        ),
        (
            ["plot-runs", "run", "1", "2"],
            "plot-runs: there is no run 1: `clantune store runs` lists them",
        ),
    ],
)
def test_what_cannot_be_a_line(store, call, arguments, message):
    message = message or (
        "template-run: the command is empty: give one, such as 'python train.py {}'"
    )
    assert call(*arguments) == (2, "", f"clantune store {message}\n")
