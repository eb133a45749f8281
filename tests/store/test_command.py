"""The command `clantune store`, in this process and in others."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from rows import add_group, add_run

from clantune_store import Parameters, Store
from clantune_store.command import main
from clantune_store.database.tables import parents, runs
from clantune_store.runs import machine

BASE = """
steps_int = 40
[band]
high = { value = 9.0, min = 0, max = 50, tags = ["entry"] }
low = 1.0
mode_choice = ["fast", "slow"]
"""
VARIABLES = ("CLANTUNE_DB", "GF_DB", "CLANTUNE_GROUP", "GF_PARAM_GROUP", "CLANTUNE_DATA", "GF_DATA")
HOSTILE = "\x1b[31m[red]x[/red]\u202e'; DROP TABLE runs; --"
SHOWN = "\\x1b[31m[red]x[/red]\\u202e'; DROP TABLE runs; --"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Folder that the command runs in, with `base.toml`; no variable names a database."""
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "base.toml").write_text(BASE)
    return tmp_path


@pytest.fixture
def call(capsys):
    """Run the command; return exit status, standard output and errors."""

    def run(*arguments):
        status = main([str(each) for each in arguments], "clantune store")
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def as_json(call):
    def run(*arguments):
        status, out, err = call(*arguments, "--json")
        assert (status, err) == (0, "")
        return json.loads(out)

    return run


@pytest.fixture
def filled(call, monkeypatch, folder):
    """Path of a store with two groups and four runs; CLANTUNE_DB names it."""
    monkeypatch.setenv("CLANTUNE_DB", "filled.db")
    assert call("load", "base.toml", "--label", "base")[0] == 0
    assert (
        call("load", "base.toml", "--set", "band.high=3", "--set", "band.mode_choice=slow")[0] == 0
    )
    for group, data, profit, trades in (
        (1, "SPY", 1.5, 3),
        (2, "SPY", 2.5, 10),
        (2, "QQQ", 0.5, 1),
    ):
        with Parameters(group=group, dataset=data).report() as result:
            result["co2"].update(profit=profit, trades=trades)
            result["co2"]["odd"] = float("nan")
    with pytest.raises(ValueError), Parameters(group=1, dataset="QQQ").report():
        raise ValueError("it broke")
    return folder / "filled.db"


def test_without_arguments_it_prints_the_help(call):
    status, out, _ = call()
    assert status == 0
    assert out.startswith("Usage: clantune store [OPTIONS] COMMAND [ARGS]...")
    for verb in (
        "load",
        "show",
        "runs",
        "lineage",
        "top",
        "metric",
        "compare",
        "merge-performers",
        "merge",
        "import-gf",
        "upgrade",
    ):
        assert f"\n  {verb} " in out


def test_load_makes_a_database_and_shows_the_values(call, folder):
    assert call("load", "base.toml", "--label", "base", "--db", "new.db") == (
        0,
        (
            "parameter          value\n"
            "band__high         9.0\n"
            "band__low          1.0\n"
            'band__mode_choice  "fast"\n'
            "steps_int          40\n"
            "group 1, label base: 4 parameters\n"
        ),
        "",
    )
    assert Store("new.db").group("base").values["steps_int"] == 40


def test_load_takes_values_and_rules_from_the_command_line(as_json, call, folder):
    (folder / "rules.txt").write_text("# a comment\n\nband.high > band.low\n")
    (folder / "more.toml").write_text('[[rule]]\nrequire = "steps_int >= 32"\n')
    given = ("base.toml", "--rules", "rules.txt", "--rules", "more.toml", "--db", "new.db")
    group = as_json("load", *given, "--set", "band__mode_choice=slow", "--set", "steps_int=33")
    assert group["group"] == 1
    assert group["values"] == {
        "band__high": 9.0,
        "band__low": 1.0,
        "band__mode_choice": "slow",
        "steps_int": 33,
    }
    assert [rule.require for rule in Store("new.db").space(1).rules] == [
        "steps_int >= 32",
        "band.high > band.low",
    ]
    for name, value, broken in (
        ("band.high", "0.5", "band.high > band.low: band.high = 0.5, band.low = 1.0"),
        ("steps_int", "31", "steps_int >= 32: steps_int = 31"),
    ):
        status, out, err = call("load", *given, "--set", f"{name}={value}")
        assert (status, out) == (2, "")
        assert err == f"clantune store load: the values break the rule {broken}\n"


def test_the_verbs_work_on_a_server_too(call, as_json, postgres_address, folder):
    db = ("--db", postgres_address)
    assert call("load", "base.toml", "--label", "base", *db)[0] == 0
    with Parameters(postgres_address, group="base", dataset="SPY").report() as result:
        result["co2"]["profit"] = 2.5
    assert as_json("top", "profit", *db)["rows"][0]["value"] == 2.5
    assert as_json("show", "base", *db)[0]["values"]["steps_int"] == 40
    assert as_json("merge", postgres_address, "-o", "file.db")["runs"] == 1
    assert call("merge", "file.db", *db)[1].endswith("groups 0, runs 0\n")
    assert call("top", "DROP TABLE runs", "--sql", *db)[0] == 2
    assert call("upgrade", *db)[0] == 0


@pytest.mark.parametrize(
    ("text", "more"),
    [("a = 1\nb == 2\n", ()), ("a = 1\n", ("--set", "a=x")), ("a = 1\n", ("--rules", "rules"))],
)
def test_a_load_that_fails_makes_no_database(call, folder, text, more):
    (folder / "bad.gf").write_text(text)
    (folder / "rules").write_text("a > 1\n")
    status, out, err = call("load", "bad.gf", *more, "--db", "new.db")
    assert (status, out) == (2, "")
    assert err.startswith("clantune store load: ")
    assert not (folder / "new.db").exists()


def test_a_dry_run_writes_nothing(call, folder):
    status, out, _ = call("load", "base.toml", "--dry-run", "--db", "new.db")
    assert status == 0
    assert out.endswith("4 parameters are good; nothing is written\n")
    assert not (folder / "new.db").exists()


def test_show_lists_groups_or_puts_their_values_side_by_side(call, as_json, filled):
    status, out, _ = call("show")
    lines = out.splitlines()
    assert status == 0
    assert lines[0].split() == ["group", "id", "labels", "origin", "created", "parameters"]
    assert [line.split()[0] for line in lines[1:]] == ["1", "2"]
    assert call("show", "base", "2")[1] == (
        "parameter          group 1  group 2\n"
        "band__high         9.0      3.0\n"
        "band__low          1.0      1.0\n"
        'band__mode_choice  "fast"   "slow"\n'
        "steps_int          40       40\n"
    )
    (group,) = as_json("show", 1)
    assert group["labels"] == ["base"]
    assert group["id"] == str(Store(filled).group(1).id)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "\udce9"), "clantune store show: a text has characters that a database cannot "),
        (("top", "profit", "--data", "\udce9"), "clantune store top: there is no data set "),
        (("load", "base.toml", "--label", "\udce9"), "clantune store load: the label has charac"),
        (("load", "--set", "a_str=\udce9"), "clantune store load: --set a_str: a_str: "),
    ],
)
def test_an_argument_that_is_not_text_is_refused(call, filled, arguments, message):
    status, _, err = call(*arguments)
    assert status in (1, 2)
    assert err.startswith(message)
    assert len(err.splitlines()) == 1


def test_runs_are_listed_by_state_and_data(call, as_json, filled):
    assert [run["number"] for run in as_json("runs")] == [1, 2, 3, 4]
    assert [run["number"] for run in as_json("runs", "--state", "ok", "--data", "SPY")] == [1, 2]
    first = as_json("runs")[0]
    assert first["results"] == {"co2": {"odd": "nan", "profit": 1.5, "trades": 3.0}}
    assert first["machine"]["host"]
    out = call("runs", "--state", "failed")[1]
    assert out.splitlines()[1].endswith("ValueError: it broke")
    assert call("runs", "--state", "odd")[::2] == (
        2,
        (
            "clantune store runs: Invalid value for '--state': 'odd' is not one of 'queued', "
            "'running', 'ok', 'failed', 'stale'. (`clantune store runs --help` says more)\n"
        ),
    )


def test_runs_of_dead_processes_are_marked_as_stale(call, filled):
    host, _, _ = machine.process().split("/")
    with Store(filled).database.write() as connection:
        connection.execute(
            runs.update().where(runs.c.number == 4).values(state="running", process=f"{host}/1/0")
        )
    status, out, _ = call("runs", "--stale", "--state", "stale")
    assert status == 0
    assert out.splitlines()[1].split()[:5] == ["4", "1", "QQQ", "QQQ", "stale"]
    assert out.endswith("runs marked as stale now: 1\n")


def test_top_shows_the_best_runs(call, as_json, filled):
    assert call("top", "co2.profit", "-n", 2) == (
        0,
        (
            "value  run  group  data  algo  family\n"
            "2.5    2    2      SPY   co2   SPY\n"
            "1.5    1    1      SPY   co2   SPY\n"
        ),
        "",
    )

    def best(*arguments):
        return [(row["value"], row["run"]) for row in as_json("top", *arguments)["rows"]]

    assert best("profit / trades") == [(0.5, 1), (0.5, 3), (0.25, 2)]
    assert best("profit", "--where", "trades < 5", "--lowest") == [(0.5, 3), (1.5, 1)]
    assert best("profit", "--per", "dataset", "-n", 1) == [(0.5, 3), (2.5, 2)]
    assert best("profit", "--data", "QQQ") == best("profit", "--family", "QQQ") == [(0.5, 3)]
    assert best("profit", "--algo", "co2", "-n", 1) == [(2.5, 2)]


def test_a_question_without_an_answer_ends_with_1_and_a_wrong_one_with_2(call, filled):
    assert call("metric", "add", "in words", "odd / trades")[0] == 0
    for arguments, status, message in (
        (
            ("in words",),
            1,
            "clantune store top: each of 3 values of 'in words' is not a finite number",
        ),
        (("other words",), 2, "clantune store top: "),
        (("nobody",), 1, "clantune store top: no run has reported 'nobody'"),
        (("odd",), 1, "clantune store top: each of 3 values of 'odd' is not a finite number"),
        (("profit", "--data", "SPX"), 1, "clantune store top: there is no data set 'SPX'"),
        (("profit", "--where", "trades > 99"), 1, "no run meets the condition 'trades > 99'"),
        (("f(profit)",), 2, "clantune store top: 'f(profit)' may not stand"),
        (("profit", "--where", "__x"), 2, "clantune store top: "),
        (("profit", "-n", 0), 2, "clantune store top: Invalid value for '-n': 0 is not in the"),
        (("profit", "--sql", "--lowest"), 2, "clantune store top: with --sql, the query says all"),
        (("DELETE FROM runs", "--sql"), 2, "clantune store top: the SQL begins with 'DELETE FROM"),
    ):
        found, out, err = call("top", *arguments)
        assert (found, out) == (status, "")
        assert err.startswith(message)
    assert len(Store(filled).runs()) == 4


def test_sql_answers_anything_else(call, as_json, filled):
    query = "SELECT name, count(*) AS n FROM results GROUP BY name ORDER BY name"
    assert call("top", "--sql", query)[1] == "name    n\nodd     3\nprofit  3\ntrades  3\n"
    assert as_json("top", "--sql", query, "-n", 1) == {
        "columns": ["name", "n"],
        "rows": [["odd", 3]],
    }


def test_a_metric_gets_a_name(call, as_json, filled):
    given = ("max profit min trades", "profit / trades", "--where", "trades > 1", "--lowest")
    assert call("metric", "add", *given)[0] == 0
    assert as_json("metric", "list") == [
        {
            "name": "max profit min trades",
            "expression": "profit / trades",
            "where": "trades > 1",
            "lowest": True,
        }
    ]
    assert [row["run"] for row in as_json("top", "max profit min trades")["rows"]] == [2, 1]
    assert call("metric", "list")[1].splitlines()[1].split()[-1] == "lowest"
    assert call("metric", "add", "bad", "eval(x)")[0] == 2


def test_lineage_shows_ancestors_and_descendants(call, as_json, filled):
    store = Store(filled)
    ids = {group.number: group.id for group in store.groups()}
    row = {"child": ids[2], "parent": ids[1], "part": "en\ntry", "weight": 0.5}
    with store.database.write() as connection:
        run = connection.execute(sa.select(runs.c.id).where(runs.c.number == 1)).scalar_one()
        connection.execute(parents.insert().values(**row, run=run))
    assert as_json("lineage", 2, "--up") == [
        {
            "direction": "up",
            "child": 2,
            "parent": 1,
            "part": "en\ntry",
            "weight": 0.5,
            "run": str(run),
        }
    ]
    assert as_json("lineage", 2, "--down") == []
    assert call("lineage", 1)[1].splitlines()[1].split()[:5] == [
        "down",
        "2",
        "1",
        "en\\ntry",
        "0.5",
    ]
    assert '"1" -> "2"' in call("lineage", 1, "--dot")[1]
    assert call("lineage", 2, "--down")[1] == "group 2 has no parents and no children here\n"


def test_compare_shows_databases_side_by_side_and_writes_a_page(call, as_json, filled):
    Store.create("other.db").merge(Store(filled))
    with Parameters("other.db", group=1, dataset="SPY").report() as result:
        result["co2"]["profit"] = 99
    status, out, _ = call("compare", "other.db", "--html", "page.html")
    assert status == 0
    assert out.splitlines()[0].split() == ["metric", "best", "filled.db", "other.db"]
    assert "99 (run 5, group 1)" in out
    assert Path("page.html").read_text().startswith("<!doctype html>")
    found = as_json("compare", filled, "other.db", "--groups", "1,2")
    assert found["databases"] == [str(filled), "other.db"]
    assert found["parameters"] == ["band__high", "band__mode_choice"]
    assert call("compare", "none.db")[0] == 2
    assert call("compare", "other.db", "--groups", "99")[0] == 2


def test_merge_performers_writes_a_file_that_load_reads(call, as_json, filled, folder):
    (folder / "map.json").write_text('{"co2": ["band.high", "band__mode_choice", "steps_int"]}')
    given = ("merge-performers", "map.json", "--metric", "profit")
    assert call(*given, "-o", "best.gf") == (0, "", "")
    assert Path("best.gf").read_text() == (
        'band__high = 3.0\nband__mode_choice = ["slow", "fast"]\nsteps_int = 40\n'
    )
    assert as_json("load", "best.gf")["values"]["band__mode_choice"] == "slow"
    assert call(*given, "--topN", 2)[1].splitlines()[0] == "band__high = 6.0"
    assert as_json(*given, "QQQ")["band__high"] == 3.0
    (folder / "map.json").write_text('{"co2": "band.high"}')
    assert call(*given)[::2] == (
        2,
        (
            "clantune store merge-performers: map.json: give the names of parameters by algo, "
            'such as {"co2": ["band__high"]}\n'
        ),
    )


def test_merge_makes_the_output_and_says_what_is_new(call, as_json, filled, folder):
    assert call("merge", filled, "-o", "all.db") == (0, "new in all.db: groups 2, runs 4\n", "")
    assert as_json("merge", filled, "-o", "all.db") == {
        "groups": 0,
        "runs": 0,
        "conflicts": [],
        "broken": 0,
    }
    assert Store("all.db").content() == Store(filled).content()


def test_a_merge_with_conflicts_is_done_and_ends_with_1(call, filled, folder):
    assert (
        call("load", "base.toml", "--set", "steps_int=1", "--label", "base", "--db", "b.db")[0] == 0
    )
    assert call("merge", filled, "b.db", "-o", "all.db") == (
        1,
        "new in all.db: groups 3, runs 4\n",
        "the label 'base' names several groups: 1, 3\n",
    )
    status, out, _ = call("merge", filled, "b.db", "-o", "all.db", "--json")
    assert status == 1
    assert json.loads(out)["conflicts"] == ["the label 'base' names several groups: 1, 3"]


def test_a_merge_that_cannot_be_done_makes_no_output(call, filled, folder):
    status, out, err = call("merge", filled, "none.db", "-o", "all.db")
    assert (status, out) == (2, "")
    assert err.startswith("clantune store merge: there is no file none.db; ")
    assert not (folder / "all.db").exists()
    assert call("merge", filled) == (
        2,
        "",
        f"clantune store merge: {filled} cannot be merged into itself: name another database\n",
    )


def test_import_gf_makes_the_database_and_counts_once(call, as_json, folder):
    connection = sqlite3.connect("old.gf")
    connection.executescript(
        "CREATE TABLE param_meta (pid, generated, parents); "
        "CREATE TABLE run_meta (run, pid, start, stop, family, dataset); "
        "CREATE TABLE params (pid, param, name, value); "
        "CREATE TABLE results (run, algo, name, value); "
        "INSERT INTO param_meta VALUES (3, 1, NULL); "
        "INSERT INTO params VALUES (3, 'a', 'b_int', '5'); "
        "INSERT INTO run_meta VALUES (1, 3, 1, 2, 'f', 'd'); "
        "INSERT INTO results VALUES (1, 'x', 'y', '2.5');"
    )
    connection.close()
    assert call("import-gf", "old.gf", "--db", "new.db") == (
        0,
        "new: groups 1, runs 1, results 1\n",
        "",
    )
    again = as_json("import-gf", "old.gf", "--db", "new.db")
    assert again == {"groups": 0, "runs": 0, "results": 0, "conflicts": []}
    assert Store("new.db").group("old/3").values == {"a__b_int": 5}


def test_an_import_that_fails_makes_no_database(call, folder):
    assert call("import-gf", "base.toml", "--db", "new.db") == (
        2,
        "",
        "clantune store import-gf: base.toml, table params: file is not a database\n",
    )
    assert not (folder / "new.db").exists()


def test_upgrade_says_the_version(call, as_json, filled):
    assert call("upgrade") == (0, "the tables have version 1\n", "")
    assert as_json("upgrade") == {"version": 1}


def test_every_verb_but_three_needs_a_database_that_exists(call, folder):
    (folder / "map.json").write_text('{"co2": ["a"]}')
    for arguments in (
        *(("show",), ("runs",), ("lineage", 1), ("top", "x"), ("metric", "list"), ("upgrade",)),
        *(("metric", "add", "a", "b"), ("merge-performers", "map.json", "--metric", "x")),
    ):
        verb = " ".join(arguments[: 2 if arguments[0] == "metric" else 1])
        assert call(*arguments, "--db", "none.db") == (
            2,
            "",
            (
                f"clantune store {verb}: there is no file none.db; make one with `clantune store "
                "load FILE`, or name another one with --db or CLANTUNE_DB\n"
            ),
        )
        assert call(*arguments)[2] == (
            f"clantune store {verb}: no database is named: give --db PATH, or set CLANTUNE_DB\n"
        )
    assert not (folder / "none.db").exists()


def test_an_argument_comes_before_variables_and_two_that_differ_are_an_error(
    call, filled, monkeypatch
):
    monkeypatch.setenv("GF_DB", "filled.db")
    assert call("show")[0] == 0
    monkeypatch.setenv("GF_DB", "other.db")
    assert call("show")[::2] == (
        2,
        (
            "clantune store show: CLANTUNE_DB='filled.db' and GF_DB='other.db' mean the same and "
            "differ: unset one of them\n"
        ),
    )
    assert call("show", "--db", filled)[0] == 0


def test_misuse_names_the_verb(call):
    assert call("nope") == (
        2,
        "",
        "clantune store: No such command 'nope'. (`clantune store --help` says more)\n",
    )
    assert call("load")[::2] == (
        2,
        (
            "clantune store load: give a FILE, or --set NAME=VALUE (`clantune store load --help` "
            "says more)\n"
        ),
    )
    assert call("load", "--set", "a", "--db", "x.db")[::2] == (
        2,
        "clantune store load: --set a: write NAME=VALUE, such as a__b=3\n",
    )
    assert call("load", "none.toml")[0] == 2


def test_a_file_that_cannot_be_written_is_named(call, filled):
    assert call("compare", filled, "--html", "none/page.html")[::2] == (
        2,
        "clantune store compare: none/page.html: No such file or directory\n",
    )


def test_hostile_texts_are_shown_and_not_interpreted(call, filled):
    store = Store(filled)
    store.label(1, HOSTILE)
    with store.database.write() as connection:
        group = add_group(connection, {HOSTILE: 1.0}, origin=HOSTILE)
        add_run(connection, group, {(HOSTILE, HOSTILE): 7.0}, dataset=HOSTILE)
    for arguments in (
        *(("show",), ("show", 3), ("runs", "--data", HOSTILE), ("compare", filled)),
        ("top", f"{HOSTILE}.{HOSTILE}", "--data", HOSTILE),
    ):
        status, out, err = call(*arguments)
        assert (status, err) == (0, "")
        assert SHOWN in out
        assert out.replace("\n", "").isprintable()
        status, out, _ = call(*arguments, "--json")
        assert status == 0
        assert out.replace("\n", "").isprintable()
        assert out.isascii()
    status, _, err = call("show", HOSTILE[:-1])
    assert status == 2
    assert err.rstrip("\n").isprintable()
    assert len(store.runs()) == 5


# ---- Other processes ----

PROGRAM = "import sys; from clantune_store.command import main; sys.exit(main(sys.argv[1:], 'x'))"


def process(*arguments, code=PROGRAM, **more):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=more.pop("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def test_the_help_loads_neither_sqlalchemy_nor_torch():
    code = (
        "import sys; from clantune_store.command import main; "
        "status = main(['--help'], 'clantune store'); main(['load', '--help'], 'clantune store'); "
        "print({'sqlalchemy', 'torch', 'rich'} & {*sys.modules}, status)"
    )
    out, err = process(code=code).communicate()
    assert out.splitlines()[-1] == "set() 0", err


def test_a_process_ends_with_the_status(filled):
    show = process("show", "nope")
    out, err = show.communicate()
    assert (show.returncode, out) == (2, "")
    assert err == "x show: there is no group 'nope'; there are 2, with numbers from 1 to 2\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
def test_an_interrupted_verb_ends_with_130(filled, folder):
    lock = sqlite3.connect(filled, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    # A shell that runs the tests in the background has them ignore SIGINT, which is inherited.
    listens = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    ready = f"{listens}import clantune_store.groups.store; print('ready', flush=True); "
    waits = process("metric", "add", "a", "profit", code=f"{ready}{PROGRAM}")
    assert waits.stdout.readline() == "ready\n"
    time.sleep(1)  # it waits until this process ends its transaction
    assert waits.poll() is None
    waits.send_signal(signal.SIGINT)
    lock.rollback()
    lock.close()
    _, err = waits.communicate(timeout=60)
    assert waits.returncode == 130, err
    assert err.endswith("x: interrupted\n")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal")
def test_a_terminal_gets_a_table_in_which_texts_stay_texts(filled):
    import pty

    Store(filled).label(1, HOSTILE)
    leader, follower = pty.openpty()
    env = {**os.environ, "COLUMNS": "200", "TERM": "xterm"}
    show = process("show", stdout=follower, env=env)
    _, err = show.communicate(timeout=60)
    os.close(follower)
    out = os.read(leader, 100_000).decode()
    os.close(leader)
    assert (show.returncode, err) == (0, "")
    assert "\x1b[1m" in out  # the headings
    assert "───" in out
    assert "\\x1b[31m[red]x[/red]\\u202e" in out
    assert "\x1b[31m" not in out
    assert "\u202e" not in out
