"""Runs as tables for other programs."""

import csv
import json
import math
import subprocess
import sys
import uuid

import pytest
from filled import add_run, fill
from rows import add_group as add_group_row

from clantune_store import Parameters, Store, StoreError
from clantune_store.command import main
from clantune_store.database.tables import runs

pandas = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

HOSTILE = "=1+1\x1b[31m'\"; DROP TABLE runs; --\u202e"
ENDINGS = "'.csv', '.json', '.parquet'"


@pytest.fixture
def store(address):
    """A store with three groups and nine runs that ended well, and one that did not."""
    made = Store.create(address)
    fill(made.database)
    with made.database.write() as connection:
        row = {"group": 1, "dataset": 1, "family": "G1", "state": "failed", "attempt": 1}
        connection.execute(runs.insert().values(id=uuid.uuid4(), **row))
    yield made
    made.close()


@pytest.fixture
def call(capsys):
    """Run the command; return exit status, standard output and errors."""

    def run(*arguments):
        status = main([str(each) for each in arguments], "clantune store")
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return [*csv.reader(file)]


def test_a_table_has_a_row_for_each_run_and_a_column_for_each_value(store):
    table = store.table()
    fixed = ["run", "id", "group", "dataset", "family", "state", "started", "stopped"]
    values = ["mode_choice", "on_bool", "speed", "steps_int"]
    assert [*table.columns] == [*fixed, *values, "co2.profit", "co2.trades", "ice.profit"]
    assert [*table["run"]] == [*range(1, 10)]
    assert [*table["steps_int"]] == [10, 10, 10, 11, 11, 11, 20, 20, 20]
    assert [*table["co2.profit"][:2]] == [10.0, 20.0]
    assert math.isnan(table["co2.profit"][2])
    assert table["ice.profit"][5] == math.inf


def test_each_column_has_the_type_of_its_values(store):
    types = {name: str(kind) for name, kind in store.table().dtypes.items()}
    assert types["run"] == types["steps_int"] == "Int64"
    assert types["on_bool"] == "boolean"
    assert types["mode_choice"] == types["id"] == "string"
    assert types["speed"] == types["ice.profit"] == "float64"
    assert types["started"] == "datetime64[us, UTC]"


def test_parquet_is_read_back_equal(store, tmp_path):
    assert store.export_table(tmp_path / "t.parquet", state=None) == 10
    read = pandas.read_parquet(tmp_path / "t.parquet")
    pandas.testing.assert_frame_equal(read, store.table(state=None), check_exact=True)


def test_moments_whole_numbers_and_missing_values_are_read_back_from_parquet(tmp_path):
    store = Store.create(tmp_path / "s.db")
    store.load(set={"a": 1.5, "n_int": 2**40, "list_choice": [[1], "x", 3]})
    store.load(set={"n_int": -3, "flag_bool": True, "list_choice": ["x", 3], "t_str": "é"})
    for group in (1, 2):
        with Parameters(tmp_path / "s.db", group=group).report() as result:
            result["big"], result["words"], result["yes"] = 2**70 + 1, ["a", None], True
            if group == 1:
                result["only"] = 1
    store.export_table(tmp_path / "t.parquet")
    read = pandas.read_parquet(tmp_path / "t.parquet")
    pandas.testing.assert_frame_equal(read, store.table(), check_exact=True)
    assert [*read["n_int"]] == [2**40, -3]
    assert [*read["list_choice"]] == ["[1]", '"x"']
    assert [*read["words"]] == ['["a",null]', '["a",null]']
    assert [*read["yes"]] == [True, True]
    assert read["flag_bool"].isna().tolist() == [True, False]
    assert read["only"].isna().tolist() == [False, True]
    moment = store.runs()[0].started
    assert abs(read["started"][0].timestamp() - moment) < 1e-5


def test_json_has_a_record_for_each_run_and_no_number_that_is_not_one(store, tmp_path):
    store.export_table(tmp_path / "t.json")
    records = json.loads((tmp_path / "t.json").read_text(), parse_constant=pytest.fail)
    assert len(records) == 9
    expected = {"run": 3, "group": 1, "dataset": "TSLA", "family": "G1", "state": "ok"}
    expected |= {"speed": 1.0, "steps_int": 10, "mode_choice": "fast", "on_bool": True}
    expected |= {"started": None, "co2.profit": "nan", "co2.trades": 7.0, "ice.profit": 3.0}
    assert records[2] == {**records[2], **expected}


def test_csv_has_all_digits(store, tmp_path):
    add_run(store.database, 1, "SPY", {"co2": {"profit": 0.1 + 0.2}})
    store.export_table(tmp_path / "t.csv")
    head, *rows = read_csv(tmp_path / "t.csv")
    assert float(rows[-1][head.index("co2.profit")]) == 0.1 + 0.2
    assert rows[-1][head.index("ice.profit")] == ""
    assert rows[2][head.index("co2.profit")] == "nan"


def test_only_some_runs_are_exported(store):
    assert [*store.table(dataset="AMD")["run"]] == [2, 5, 8]
    assert [*store.table(family="G2")["run"]] == [4, 5, 6]
    assert [*store.table(group=3, dataset="SPY")["run"]] == [7]
    assert [*store.table(state=None)["state"]] == ["ok"] * 9 + ["failed"]


def test_a_name_that_is_taken_says_what_it_is(tmp_path):
    store = Store.create(tmp_path / "s.db")
    store.load(set={"run": 1.0, "co2.profit": 2.0, "a": 3.0})
    with Parameters(tmp_path / "s.db").report() as result:
        result["co2"]["profit"], result["a"] = 4.0, 5.0
    row = store.table().iloc[0]
    assert (row["run"], row["parameter:run"]) == (1, 1.0)
    assert (row["co2.profit"], row["result:co2.profit"]) == (2.0, 4.0)
    assert (row["a"], row["result:a"]) == (3.0, 5.0)


def test_a_spreadsheet_calculates_nothing_in_csv_and_other_files_keep_all_texts(tmp_path):
    store = Store.create(tmp_path / "s.db")
    store.load(set={"=a_str": HOSTILE, "b_str": "'quoted", "c_str": "x\r\n,y", "n": -3.0})
    with Parameters(tmp_path / "s.db", dataset="@SUM(A1)").report() as result:
        result["+r"]["=cmd|' /C calc'!A0"] = "\ud800\t"
    for name in ("t.csv", "t.json", "t.parquet"):
        store.export_table(tmp_path / name)
    head, row = read_csv(tmp_path / "t.csv")
    cells = dict(zip(head, row, strict=True))
    assert cells["'=a_str"] == f"'{HOSTILE}"
    assert cells["b_str"] == "''quoted"
    assert cells["c_str"] == "x\r\n,y"
    assert cells["n"] == "-3.0"
    assert cells["dataset"] == "'@SUM(A1)"
    assert cells["'+r.=cmd|' /C calc'!A0"] == "\\ud800\t"
    assert not any(cell.startswith(("=", "@", "+")) for cell in (*head, *row))
    (record,) = json.loads((tmp_path / "t.json").read_text())
    assert record["=a_str"] == HOSTILE
    assert record["dataset"] == "@SUM(A1)"
    assert pandas.read_parquet(tmp_path / "t.parquet")["=a_str"][0] == HOSTILE


def test_a_file_is_never_replaced_silently(store, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("mine")
    with pytest.raises(StoreError) as caught:
        store.export_table(path)
    assert str(caught.value) == (
        f"{path} is there already: give --force to replace it, or another name"
    )
    assert path.read_text() == "mine"
    assert store.export_table(path, force=True) == 9
    assert len(read_csv(path)) == 10
    assert [*tmp_path.glob("*.part")] == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("t.xlsx", f"the ending '.xlsx' of 't.xlsx' is not known; there are the endings {ENDINGS}"),
        ("t.parqet", "the ending '.parqet' of 't.parqet' is not known; the nearest is '.parquet'"),
        ("t", "'t' has no ending"),
    ],
)
def test_an_ending_that_is_not_known_is_refused(tmp_path, call, name, message):
    Store.create(tmp_path / "s.db")
    status, out, err = call("export", "--db", tmp_path / "s.db", "--to", name)
    known = "give FILE.csv, FILE.json, FILE.parquet or optuna:URL"
    assert (status, out, err) == (2, "", f"clantune store export: {message}; {known}\n")


def test_what_cannot_be_exported_is_said(store, tmp_path):
    def refusal(name="t.csv", **options):
        with pytest.raises(StoreError) as caught:
            store.export_table(tmp_path / name, **options)
        return str(caught.value)

    assert refusal(dataset="TSL") == "there is no data set 'TSL'; the nearest is 'TSLA'"
    assert refusal(family="G9") == (
        "there is no family 'G9'; there are the families 'G1', 'G2', 'G3'"
    )
    assert refusal(group=9) == "there is no group '9'; there are 3, with numbers from 1 to 3"
    assert (
        refusal("no/t.csv")
        == f"there is no directory {tmp_path / 'no'}: make it, or write elsewhere"
    )
    (tmp_path / "d.csv").mkdir()
    assert refusal("d.csv") == f"{tmp_path / 'd.csv'} is a directory: give the name of a file in it"
    with store.database.write() as connection:
        add_group_row(connection, {"new": 1.0})
    assert refusal(group=4) == "there is no run that has ended well to export"
    assert [*tmp_path.glob("t.*")] == []


def test_the_verb_says_what_it_wrote(tmp_path, call):
    db, path = tmp_path / "s.db", tmp_path / "t.csv"
    fill(Store.create(db).database)
    assert call("export", "--db", db, "--to", path) == (0, f"{path}: 9 runs\n", "")
    status, out, _ = call(
        "export", "--db", db, "--to", path, "--force", "--data", "SPY", "--all", "--json"
    )
    assert (status, json.loads(out)) == (0, {"to": str(path), "runs": 3})
    one = ("export", "--db", db, "--to", path, "--force", "--data", "SPY", "--group", "1")
    assert call(*one)[1] == f"{path}: 1 run\n"
    status, _, err = call("export", "--db", db, "--to", path, "--metric", "profit")
    assert status == 2
    assert err == (
        "clantune store export: --metric is only for optuna:URL (`clantune store export --help` "
        "says more)\n"
    )


def test_csv_and_json_need_no_further_package(tmp_path):
    fill(Store.create(tmp_path / "s.db").database)
    code = (
        "import sys; from clantune_store.command import main\n"
        "for name in ('pandas', 'pyarrow', 'optuna', 'plotly'): sys.modules[name] = None\n"
        "run = ['export', '--db', 's.db', '--to']\n"
        "sys.exit(max(main([*run, name], 'store') for name in sys.argv[1:]))"
    )

    def export(*names):
        arguments = [sys.executable, "-c", code, *names]
        done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    assert export("t.csv", "t.json") == (0, "")
    assert export("t.parquet") == (
        2,
        'store export: pandas is not installed: pip install "clantune-store[tables]"\n',
    )
