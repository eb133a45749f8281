"""Every benchmark runs in its smoke form and ends as promised.

How fast it was is not asked here: the script itself says so, on a quiet machine.
"""

import functools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted(FOLDER.glob("[!_]*.py"))


@functools.cache
def run(script, *arguments):
    """Run a script; return its exit status, what it printed, and the last line of that, read."""
    command = [sys.executable, script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, done.stdout, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
def test_a_benchmark_ends_with_one_json_object(script):
    status, printed, result = run(script, "--quick")
    assert set(result) == {"title", "machine", "versions", "figures", "bars"}
    assert printed.startswith(result["title"])
    assert result["machine"].keys() == {"machine", "processors", "system", "python"}
    assert {"clantune-core", "attrs", "cattrs", "pluggy"} <= result["versions"].keys()
    assert result["figures"]
    assert result["bars"]
    for bar in result["bars"]:
        assert set(bar) == {"name", "value", "bar", "holds"}
        assert isinstance(bar["value"], int | float)
        assert isinstance(bar["bar"], int | float)
        assert isinstance(bar["holds"], bool)
        assert bar["name"] in printed.rpartition("\n{")[0]
    assert status == (0 if all(bar["holds"] for bar in result["bars"]) else 1)


def test_the_core_is_measured_against_the_bars_of_its_design():
    _, _, result = run(FOLDER / "core.py", "--quick")
    measured = {bar["name"]: bar["bar"] for bar in result["bars"]}
    assert measured == {
        "microseconds per fold of three": 2.0,
        "milliseconds per offspring, 8 members": 2.0,
        "growth with members (slope at the end)": 1.1,
        "growth with genes (slope at the end)": 1.1,
        "import against its dependencies": 1.5,
    }


def test_every_recipe_is_tried_on_every_function_and_on_the_toy():
    _, printed, result = run(FOLDER / "strategies.py", "--quick")
    functions, toys = result["figures"]["functions"], result["figures"]["toy"]
    recipes = {*functions["Rosenbrock, N = 4"]}
    assert len(recipes) == 11
    assert all({*rules} == recipes for rules in functions.values())
    assert {*toys} == {"PBT toy, best of 1.2, N = 2", "PBT toy, best of 1.2, N = 4"}
    assert {*toys["PBT toy, best of 1.2, N = 2"]} == {"PBT", "nobody breeds"}
    assert {*toys["PBT toy, best of 1.2, N = 4"]} == {*recipes, "nobody breeds"}
    for where, rules in [*functions.items(), *toys.items()]:
        for rule, (low, middle, high) in rules.items():
            assert low <= middle <= high
            row = rf"^{re.escape(where)} +{re.escape(rule)}( +[\d.e+-]+){{3}}$"
            assert len(re.findall(row, printed, re.MULTILINE)) == 1
    for rules in result["figures"]["bowls"].values():
        assert all(
            low <= middle <= high for by_round in rules.values() for low, middle, high in by_round
        )
    assert printed.count("bowl, distance after 40, ") == 9 * 4


def test_on_the_toy_weights_are_inherited_as_a_recipe_asks():
    _, _, result = run(FOLDER / "strategies.py", "--quick")
    toy = result["figures"]["toy"]["PBT toy, best of 1.2, N = 4"]
    alone = 1.2 - 0.9**2 * (1 + 0.98**320)  # one weight stays, one shrinks by 2 % a step
    # Means of weights and genes after four steps; then both weights shrink by 1 %.
    together = 1.2 - 2 * (0.9 * (1 + 0.98**4) / 2 * 0.99**156) ** 2
    assert toy["nobody breeds"] == pytest.approx([alone] * 3, abs=1e-5)
    assert toy["factorial, no evolution"] == pytest.approx([together] * 3, abs=1e-5)


def test_a_bar_that_does_not_hold_is_printed_and_fails(tmp_path):
    script = tmp_path / "slow.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(FOLDER)!r})\n"
        "from _report import bar, report\n"
        "rows = [('what', 'ms'), ('step', 1.5)]\n"
        "sys.exit(report('Slow', rows, {'step': 1.5}, [bar('fine', 1, 1), bar('late', 2, 1)]))\n"
    )
    status, printed, result = run(script)
    assert status == 1
    assert [bar["holds"] for bar in result["bars"]] == [True, False]
    assert "DOES NOT HOLD" in printed


def test_checkpoints_are_measured_beside_rivals_that_flush_and_that_do_not():
    _, _, result = run(FOLDER / "checkpoint.py", "--quick")
    [(size, figures)] = result["figures"].items()
    rivals = {"torch.save", "torch.save, flushed", "torch.distributed.checkpoint"}
    assert {"clan.save", "CRC-32 ms", "SHA-256 ms", "background", *rivals} < figures.keys()
    assert figures["clan.save"]["ratio"] == [1.0, 1.0, 1.0]
    assert {bar["name"]: bar["bar"] for bar in result["bars"]} == {
        f"{size}: save and load against the faster rival": 1.3,
        f"{size}: save and load against the faster rival that flushes": 1.3,
        f"{size}: % of the write that steps lose": 5.0,
    }
