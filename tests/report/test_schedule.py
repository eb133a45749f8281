"""`clantune schedule`: the schedule of a run as JSON, as a table, and as code."""

import csv
import json
import runpy
import shutil
from pathlib import Path

import pytest
import torch
from small_clans import clan, loss, model_and_optimizer, train
from torch.optim import lr_scheduler

from clantune_report.command.schedule import main
from clantune_report.finding import run_file_at
from clantune_report.formats import as_code

PROGRAM = "clantune schedule"
RUN = Path(__file__).parent / "runs/factorial.jsonl"


def written(capsys, *arguments):
    assert main([*map(str, arguments)], PROGRAM) == 0
    return capsys.readouterr().out


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder of a run, with the schedule that it has exported."""
    folder = tmp_path_factory.mktemp("run")
    it = clan(history=folder / "history.jsonl", total_steps=40, round_length=4, strategies="pbt")
    while not it.finished:
        train(it.round())
        it.step(loss)
    it.export_schedule(folder / "exported.json")
    return folder


def test_json_is_what_the_clan_exports(run, capsys):
    exported = (run / "exported.json").read_text("utf-8")
    assert written(capsys, run) == written(capsys, run / "history.jsonl") == exported


def test_a_table_has_a_line_per_round(run, capsys):
    rows = [*csv.DictReader(written(capsys, run, "--format", "csv").splitlines())]
    rounds = json.loads((run / "exported.json").read_text("utf-8"))["rounds"]
    assert [int(row.pop("step")) for row in rows] == [each["step"] for each in rounds]
    for row, each in zip(rows, rounds, strict=True):
        assert {name: float(value) for name, value in row.items()} == each["genes"]


def test_the_code_sets_the_rates_that_the_run_used(run, tmp_path, capsys):
    code = tmp_path / "rates.py"
    assert main([str(run), "--out", str(code)], PROGRAM) == 0
    found = runpy.run_path(str(code))
    data = json.loads((run / "exported.json").read_text("utf-8"))
    first = data["rounds"][0]["genes"]["lr"]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=first)
    scheduler = found["schedule"](optimizer)
    for step in range(40):
        gene = [each["genes"]["lr"] for each in data["rounds"] if each["step"] <= step][-1]
        ramp = min(1.0, (step + 1) / 4, (40 - step) / 8)
        assert optimizer.param_groups[0]["lr"] == pytest.approx(gene * ramp)
        optimizer.step()
        scheduler.step()


def test_the_file_of_a_run_shows_the_rates_of_its_last_steps(run, capsys):
    """The gene times the ramp in the last step of a round is the rate in its record."""
    lines = (run / "history.jsonl").read_text("utf-8").splitlines()
    records = [line for line in map(json.loads, lines) if "learning_rates" in line]
    for record in records:
        last = record["start"] + record["steps"] - 1
        ramp = min(1.0, (last + 1) / 4, (40 - last) / 8)
        assert record["learning_rates"] == [pytest.approx(record["genes"]["lr"] * ramp)]


def test_the_code_names_the_other_values_that_changed():
    rounds = [{"step": 0, "genes": {"lr": 0.1, "eps": 1e-8, "momentum": 0.9}}]
    rounds.append({"step": 5, "genes": {"lr": 0.2, "eps": 1e-8, "momentum": 0.8}})
    ramp = {"total_steps": None, "warmup": 0.0, "cooldown": 0.0}
    schedule = {**ramp, "note": None, "rounds": rounds}
    code = as_code(schedule, "run 1.jsonl")
    assert "Other values that changed during the run (momentum) stay as you set them" in code
    namespace = {}
    exec(code, namespace)
    assert [namespace["factor"](step) for step in (0, 4, 5, 99)] == [1.0, 1.0, 2.0, 2.0]


LACKS = (
    "the learning rates lack the factors of the run's own schedulers, LinearLR and ExponentialLR: "
    "multiply them by these in each step"
)


def test_rates_without_the_schedulers_of_the_run_are_told_in_each_form(tmp_path, capsys):
    model, optimizer = model_and_optimizer()
    schedulers = [lr_scheduler.LinearLR(optimizer), lr_scheduler.ExponentialLR(optimizer, 0.9)]
    options = {"model": model, "optimizer": optimizer, "scheduler": schedulers}
    it = clan(**options, history=tmp_path / "run.jsonl", total_steps=4)
    train(it.round())
    it.step(loss)
    for form in ("json", "csv", "py"):
        assert main([str(tmp_path), "--format", form], PROGRAM) == 0
        printed = capsys.readouterr()
        assert printed.err == f"{PROGRAM}: {LACKS}\n"
        assert (LACKS in " ".join(printed.out.split())) == (form != "csv")
    assert main([str(RUN)], PROGRAM) == 0
    assert capsys.readouterr().err == ""


def test_a_run_without_a_rate_has_no_code(tmp_path, capsys):
    it = clan(history=tmp_path / "run.jsonl", total_steps=4, autobind=[])
    it.add_gene("weight_decay")
    train(it.round())
    it.step(loss)
    assert main([str(tmp_path), "--format", "py"], PROGRAM) == 2
    assert "replays the gene 'lr', and this run has weight_decay: " in capsys.readouterr().err


def nothing(folder):
    return [folder / "nowhere"], f"{folder / 'nowhere'} does not exist: give the file that Clan"


def an_empty_folder(folder):
    return [folder], f"{folder} has no file of a run"


def several(folder):
    for name in ("a", "b"):
        (folder / f"{name}.jsonl").touch()
    said = f"{folder} has several files of runs: a.jsonl and b.jsonl; give one of them"
    return [folder], said


def several_of_no_run(folder):
    for name in ("a", "b"):
        (folder / f"{name}.jsonl").write_text('{"step": 0, "loss": 1.0}\n')
    return [folder], f"{folder} has no file of a run (*.jsonl): give the one that Clan(history="


def metrics(folder):
    (folder / "metrics.jsonl").write_text('{"step": 0, "loss": 1.0}\n')
    return [folder], "metrics.jsonl, line 1: this is not a line of the file of a run: give the file"


def another_file(folder):
    (folder / "train.py").write_text("import torch\n")
    return [folder / "train.py"], f"{folder / 'train.py'}, line 1: this is not a line of JSON"


def no_round_yet(folder):
    it = clan(history=folder / "run.jsonl")
    it.round()
    it.close()
    return [folder], "run.jsonl has no complete round yet, so there is no schedule"


def no_folder(folder):
    said = f"the folder {folder / 'none'} does not exist: make it, or choose another path"
    return [RUN, "--out", folder / "none" / "s.json"], said


def a_folder(folder):
    (folder / "s.json").mkdir()
    said = f"{folder / 's.json'} is a folder: give the name of a file in it"
    return [RUN, "--out", folder / "s.json"], said


def a_folder_by_force(folder):
    arguments, said = a_folder(folder)
    return [*arguments, "--force"], said


def no_place(folder):
    return [RUN, "--out", "/proc/s.json"], "/proc/s.json cannot be written: No such file or dir"


def another_ending(folder):
    said = "s.txt has none of the endings .json, .csv, .py: give one, or --format"
    return [RUN, "--out", folder / "s.txt"], said


@pytest.mark.parametrize(
    "misuse",
    [
        nothing,
        an_empty_folder,
        several,
        several_of_no_run,
        metrics,
        another_file,
        no_round_yet,
        no_folder,
        a_folder,
        a_folder_by_force,
        no_place,
        another_ending,
    ],
)
def test_misuse_is_told(tmp_path, capsys, misuse):
    arguments, words = misuse(tmp_path)
    assert main([*map(str, arguments)], PROGRAM) == 2
    told = capsys.readouterr().err
    assert told.startswith("clantune schedule: ")
    assert words in told
    assert "Errno" not in told
    assert not [*tmp_path.rglob("*.unfinished")]


def test_a_format_that_is_named_may_have_any_ending(tmp_path):
    out = tmp_path / "s.txt"
    assert main([str(RUN), "--out", str(out), "--format", "csv"], PROGRAM) == 0
    assert out.read_text().startswith("step,lr,")


def test_of_several_files_that_of_the_run_is_taken(tmp_path, capsys):
    """As `JsonLines` writes its metrics into the folder of the run."""
    shutil.copy(RUN, tmp_path / "run.jsonl")
    (tmp_path / "metrics.jsonl").write_text('{"step": 0, "clan/competes": 0}\n')
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\n")
    assert written(capsys, tmp_path) == written(capsys, RUN)
    (tmp_path / "run.jsonl").write_text("")  # the run has not begun
    assert run_file_at(tmp_path) == tmp_path / "run.jsonl"


def test_a_file_is_replaced_only_if_it_is_said(run, tmp_path, capsys):
    out = tmp_path / "schedule.json"
    out.write_text("mine")
    assert main([str(run), "--out", str(out)], PROGRAM) == 2
    assert f"{out} exists: give another name, or --force to replace it" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert main([str(run), "--out", str(out), "--force"], PROGRAM) == 0
    assert out.read_bytes() == (run / "exported.json").read_bytes()
