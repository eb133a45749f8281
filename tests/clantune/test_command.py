"""`clantune launch`, in real processes, and the examples that it runs."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.machinery import PathFinder
from pathlib import Path

import browser
import pytest

from clantune_clan.launch import missing_module
from clantune_core.command import main

EXAMPLE = Path(__file__).parents[2] / "docs/examples/self_adaptation.py"


def clantune(*arguments, **options):
    """Run the command as a shell would, and return what came of it."""
    command = [sys.executable, "-m", "clantune_core", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_a_script_runs_in_several_processes(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        "import sys\n"
        "from clantune_clan import Communication\n"
        "channel = Communication()\n"
        "mine = [channel.rank, channel.world_size, sys.argv[1:]]\n"
        "line = f\"{channel.gather('hello', mine)}\\n\"\n"
        "sys.stdout.write(line)  # one write: print's line and its end can be torn apart\n"
    )
    done = clantune("launch", "-n", "2", script, "--steps", "3")
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["[[0, 2, ['--steps', '3']], [1, 2, ['--steps', '3']]]"] * 2


def test_a_script_that_fails_fails_the_command(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("raise SystemExit(3)\n")
    done = clantune("launch", "-n", "1", script)
    assert done.returncode == 3
    assert done.stderr == "clantune launch: rank 0 ended with 3\n"


def test_a_script_that_fails_once_is_started_again(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        'import os; raise SystemExit(os.environ["TORCHELASTIC_RESTART_COUNT"] == "0")'
    )
    done = clantune("launch", "-n", "1", "--max-restarts", "1", script)
    assert done.returncode == 0, done.stderr


def is_running(pid):
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text("utf-8")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_launcher_leaves_no_process_behind(tmp_path, number):
    script = tmp_path / "train.py"
    script.write_text(
        "import os, pathlib, sys, time\n"
        "pathlib.Path(sys.argv[1], str(os.getpid())).touch()\n"
        "time.sleep(300)\n"
    )
    started = tmp_path / "started"
    started.mkdir()
    command = [sys.executable, "-m", "clantune_core", "launch", "-n", "3", script, started]
    launcher = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_until(lambda: len([*started.iterdir()]) == 3)
        members = [int(file.name) for file in started.iterdir()]
        assert all(map(is_running, members))
        launcher.send_signal(number)
        assert launcher.wait(60) != 0
        wait_until(lambda: not any(map(is_running, members)))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(launcher.pid, signal.SIGKILL)


def wait_until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "this should have happened by now"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["launch", "-n", "0", __file__],
            "clantune launch: -n is a number of processes, 1 or more",
        ),
        (
            ["launch", "--max-restarts", "-1", __file__],
            "clantune launch: --max-restarts is a number of restarts, 0 or more",
        ),
        (["launch", "nowhere.py"], "clantune launch: the script nowhere.py does not exist"),
    ],
)
def test_misuse_is_told(arguments, message, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"{message}\n"


def test_only_the_script_is_required(capsys):
    with pytest.raises(SystemExit) as left:
        main(["launch"])
    assert left.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "clantune launch: error: the following arguments are required: SCRIPT"
    )


@pytest.mark.parametrize(
    ("module", "missing"),
    [
        ("nowhere", "nowhere"),
        ("nowhere.train", "nowhere"),
        ("clantune.nope", "clantune.nope"),
        ("clantune_clan.doctor", "clantune_clan.doctor.__main__"),
        ("here.py", "here.py"),
        ("folder", "folder.__main__"),
        ("here.train", "here.train"),
        (".here", ".here"),
    ],
)
def test_a_module_that_python_would_not_find_is_named(
    module, missing, tmp_path, monkeypatch, capsys
):
    (tmp_path / "here.py").touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["launch", "-m", module]) == 2
    assert capsys.readouterr().err == (
        f"clantune launch: the module {missing} does not exist; to run a file, leave out -m\n"
    )


@pytest.mark.parametrize("module", ["here", "folder.below.train", "package", "clantune"])
def test_a_module_is_found_without_an_import(module, tmp_path, monkeypatch):
    for place in ("here.py", "folder/below/train.py", "package/__init__.py", "package/__main__.py"):
        file = tmp_path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("raise AssertionError")
    monkeypatch.chdir(tmp_path)
    assert missing_module(module) is None


def test_a_module_is_found_by_a_hook_of_an_editable_installation(tmp_path, monkeypatch):
    (tmp_path / "edited.py").touch()

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            return PathFinder.find_spec(name, [str(tmp_path)]) if name == "edited" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    assert missing_module("edited") is None


def test_the_package_runs_as_the_command():
    command = [sys.executable, "-m", "clantune", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == clantune("--help").stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder of a short demo, and what the command has printed."""
    folder = tmp_path_factory.mktemp("short") / "demo"
    done = clantune("demo", "-n", "2", "--steps", "40", "--folder", folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_the_demo_shows_the_schedule_and_both_losses(demo):
    folder, printed = demo
    lines = printed.splitlines()
    assert lines[0] == "starts with lr 0.06, weight decay 1.0, beta2 0.8; the clan's centre:"
    rounds = [line.split() for line in lines if re.match(r" +\d+ ", line)]
    assert [int(row[0]) for row in rounds] == [*range(20)]
    assert any("plain data-parallel training" in line for line in lines)
    assert lines[-1] == f"The report of the clan: open {folder / 'report.html'} in a browser."
    schedule = json.loads((folder / "schedule.json").read_text("utf-8"))
    assert len(schedule["rounds"]) == len(rounds)


CHARTS = {"learning-rate", "fitness", "descent", "gene-0", "gene-1", "effects-all"}


def test_every_chart_in_the_report_of_the_demo_has_data(demo):
    page = (demo[0] / "report.html").read_text("utf-8")
    calls = re.finditer(r'Plotly\.newPlot\(\s*"([\w-]+)",\s*', page)
    traces = {call[1]: json.JSONDecoder().raw_decode(page, call.end())[0] for call in calls}
    assert traces.keys() >= CHARTS
    for name, found in traces.items():
        assert found, name
        assert all(any(value is not None for value in trace["y"]) for trace in found), name


def test_a_browser_draws_the_report_of_the_demo(demo, tmp_path):
    chromium = browser.start(tmp_path)
    try:
        seen = chromium.open(demo[0] / "report.html", 1400)
    finally:
        chromium.close()
    assert seen.said == []
    assert "The run in a few facts" in seen.text
    assert seen.charts.keys() >= CHARTS
    points = {name: drawn for name, (drawn, _) in seen.charts.items()}
    assert [name for name in CHARTS if not points[name]] == []


def test_the_example_of_the_core_still_runs(capfd):
    assert subprocess.run([sys.executable, EXAMPLE], check=False).returncode == 0
    assert "step" in capfd.readouterr().out
