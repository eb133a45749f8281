"""The command `clantune`: launch, list, new-strategy, and what it says to misuse."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from clantune import _command

EXAMPLE = Path(__file__).parents[2] / "docs/examples/character_lm.py"


def test_a_script_runs_in_several_processes(tmp_path, capfd):
    script = tmp_path / "train.py"
    script.write_text(
        "import sys\n"
        "from clantune_clan import Communication\n"
        "channel = Communication()\n"
        "mine = [channel.rank, channel.world_size, sys.argv[1:]]\n"
        "line = f\"{channel.gather('hello', mine)}\\n\"\n"
        "sys.stdout.write(line)  # one write: print's line and its end can be torn apart\n"
    )
    assert _command.main(["launch", "-n", "2", str(script), "--steps", "3"]) == 0
    printed = capfd.readouterr().out.splitlines()
    assert printed == ["[[0, 2, ['--steps', '3']], [1, 2, ['--steps', '3']]]"] * 2


def test_a_script_that_fails_fails_the_command(tmp_path, capfd):
    script = tmp_path / "train.py"
    script.write_text("raise SystemExit(3)\n")
    assert _command.main(["launch", "-n", "1", str(script)]) != 0
    assert "exitcode  : 3" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["launch", "-n", "0", __file__],
            "clantune launch: -n is a number of processes, 1 or more",
        ),
        (["launch", "nowhere.py"], "clantune launch: there is no script nowhere.py"),
    ],
)
def test_misuse_is_told(arguments, message, capsys):
    assert _command.main(arguments) == 2
    assert capsys.readouterr().err == f"{message}\n"


def test_what_is_installed_is_listed(capsys):
    assert _command.main(["list"]) == 0
    printed = capsys.readouterr().out
    for line in (
        "gaussian  (clantune-strategies 0.1.0)",
        "factorial  (clantune-strategies)",
        "adamw  (clantune-autobind)",
    ):
        assert f"  {line}\n" in printed


def test_a_new_strategy_is_begun(tmp_path, capsys):
    assert _command.main(["new-strategy", "night-shift", "--into", str(tmp_path)]) == 0
    assert (tmp_path / "clantune-night-shift" / "pyproject.toml").is_file()
    assert "wrote " in capsys.readouterr().out
    with pytest.raises(SystemExit):
        _command.main(["new-strategy", "--help"])
    assert "usage: clantune new-strategy" in capsys.readouterr().out


def test_help_names_every_command():
    done = subprocess.run(
        [sys.executable, "-m", "clantune", "--help"], capture_output=True, text=True, check=True
    )
    for command in ("launch", "list", "new-strategy"):
        assert re.search(rf"^ +{command}\b", done.stdout, re.MULTILINE)


def test_the_demo_shows_the_schedule_and_both_losses(capfd, tmp_path):
    schedule = tmp_path / "schedule.json"
    options = ["--steps", "40", "--schedule", str(schedule)]
    assert _command.main(["launch", "-n", "4", str(EXAMPLE), *options]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "starts with lr 0.06, weight decay 1.0, beta2 0.8; the clan's centre:"
    rounds = [line.split() for line in lines if re.match(r" +\d+ ", line)]
    assert [int(row[0]) for row in rounds] == [*range(20)]
    assert "plain data-parallel training" in lines[-2]
    assert "the clan" in lines[-1]
    assert len(json.loads(schedule.read_text("utf-8"))["rounds"]) == len(rounds)


def test_the_example_of_the_core_still_runs(capfd):
    script = EXAMPLE.with_name("self_adaptation.py")
    assert subprocess.run([sys.executable, script], check=False).returncode == 0
    assert "step" in capfd.readouterr().out
