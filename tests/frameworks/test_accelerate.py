"""Scripts that use Accelerate on four ranks: with a clan, and the same without one."""

import difflib
import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from features_accelerate import FEATURES
from tracking import require_tracked

SCRIPT = Path(__file__).with_name("accelerate_start.py")
EXAMPLES = Path(__file__).parents[2] / "docs/examples"
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=4")
BY_TORCHRUN = ("resumed", "resumed_windows", "examples")
FORKED = (
    *dict.fromkeys(feature.run for feature in FEATURES if feature.run not in BY_TORCHRUN),
    *("rate_by_hand", "equal_members", "whole", "whole_windows", "stopped_windows"),
    "killed",  # last, since it ends the ranks
)
CLIPPED = (
    *("phases", "accumulating", "accumulating_epochs", "several_optimizers", "saved"),
    *("bfloat16", "compiled", "split_batches", "dispatched", "prepared_again", "whole"),
    *("whole_windows",),
)
TRAINED = (*CLIPPED, "clipped_values", "scaled")


def start(folder, launcher, names):
    """Start four ranks, which run functions of the given names; return the ended process."""
    return subprocess.run(
        [sys.executable, *launcher, SCRIPT, folder, *names],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("accelerate")


@pytest.fixture(scope="module")
def runs(folder):
    """Return what each rank has answered in each run, by name."""
    forked = start(folder, (), FORKED)
    assert forked.returncode == 9, forked.stderr  # all ranks are killed at last
    resumed = start(folder, TORCHRUN, BY_TORCHRUN)
    assert resumed.returncode == 0, resumed.stderr
    return {each.stem: json.loads(each.read_text()) for each in folder.glob("*.json")}


def different(answers):
    """Return how many different answers the ranks have given."""
    return len({json.dumps(answer) for answer in answers})


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_feature_works_or_is_refused_on_all_ranks(runs, feature):
    for rank in runs[feature.run]:
        if feature.refusal is None:
            assert "error" not in rank
        else:
            without_place = rank["error"].split(f"/{feature.run}: ")[-1]
            assert without_place == feature.refusal


@pytest.mark.parametrize("name", TRAINED)
def test_gradients_are_equal_in_cooperation_and_different_in_competition(runs, name):
    made = [rank["made"] for rank in runs[name]]
    assert {step["mode"] for step in made[0]} == {"cooperative", "competitive"}
    for steps in zip(*made, strict=True):
        assert different(step["mode"] for step in steps) == 1
        are_shared = steps[0]["mode"] == "cooperative"
        assert different(step["gradients"] for step in steps) == (1 if are_shared else 4)


@pytest.mark.parametrize("name", TRAINED)
def test_genes_multiply_the_rates_of_the_scheduler(runs, name):
    steps = [step for rank in runs[name] for step in rank["made"]]
    assert [step["rate"] for step in steps] == pytest.approx([step["expected"] for step in steps])
    assert len({step["rate"] for step in steps}) > 4


def test_a_rate_that_the_script_sets_is_found_in_the_first_step(runs):
    for rank in runs["rate_by_hand"]:
        assert "gene 'lr' set 'optimizer/param_groups/0/lr' to" in rank["error"]
        assert "now it is 0.5: something else writes there" in rank["error"]


@pytest.mark.parametrize("name", CLIPPED)
def test_norms_are_clipped_after_gradients_are_averaged(runs, name):
    norms = [step["norm"] for rank in runs[name] for step in rank["made"]]
    assert max(norms) == pytest.approx(0.5, rel=1e-4)


def test_values_are_clipped(runs):
    made = [step for rank in runs["clipped_values"] for step in rank["made"]]
    values = [abs(value) for step in made for part in step["gradients"] for value in part]
    assert max(values) == pytest.approx(0.1)


@pytest.mark.parametrize("name", TRAINED)
def test_all_ranks_end_with_the_best_weights_in_the_model(runs, name):
    assert different(rank["weights"] for rank in runs[name]) == 1
    assert runs[name][0]["weights"] == runs[name][0]["best"]


def test_the_clan_says_who_averages(runs):
    assert "(ddp: by DistributedDataParallel, through a" in runs["phases"][0]["description"]
    assert "a DistributedDataParallel wrapper is off)" in runs["whole"][0]["description"]


def test_the_optimizer_steps_once_in_a_window(runs):
    batches = {name: len(runs[name][0]["losses"]) for name in ("accumulating_epochs", "phases")}
    assert batches == {"accumulating_epochs": runs["accumulating_epochs"][0]["total"], "phases": 16}
    assert len(runs["accumulating"][0]["made"]) == 24 // 3
    assert len(runs["accumulating_epochs"][0]["made"]) == batches["accumulating_epochs"] // 5


def test_a_scale_that_is_too_high_skips_steps_on_all_ranks(runs):
    for rank in runs["scaled"]:
        assert rank["scale"] == 2.0**87
        assert len(rank["made"]) == 15


def test_what_is_found_goes_to_the_trackers_of_the_main_process(runs):
    lines, *others = (rank["lines"] for rank in runs["phases"])
    assert others == [[], [], []]
    steps = [step for step, _ in lines]
    assert steps == sorted(steps)
    rounds = [values for _, values in lines if "clan/round" in values]
    assert [values["clan/round"] for values in rounds] == [0, 1]
    assert {f"clan/member_{member}/lr" for member in range(4)} <= {*rounds[0]}
    logged = [
        [number, member, rounds[number][f"clan/member_{member}/metric"]]
        for number, member in product(range(2), range(4))
    ]
    assert logged == runs["phases"][0]["history"]


def test_tensorboard_wandb_and_mlflow_have_one_run_with_the_steps_of_the_script(
    runs, folder, monkeypatch
):
    found = runs["trackers"][0]
    require_tracked(monkeypatch, folder / "trackers", [8, 16], [0, 4, 8, 12], found)


def test_equal_members_train_as_without_a_clan(runs):
    for rank in runs["equal_members"]:
        assert rank == {window: {"same": True, "moved": True} for window in ("1", "2")}


def test_checkpoints_have_the_best_weights_of_the_clan_and_other_models_their_own(runs):
    for rank in runs["saved"]:
        (other,) = rank["other"]
        found = {"is best": True, "names": True, "other": [other]}
        assert rank["saved"] == [{**found, "has a clan": has_clan} for has_clan in (True, False)]


def test_a_clan_begins_with_weights_that_were_loaded_before_it(runs):
    for rank in runs["loaded_first"]:
        assert rank["weights"] == runs["saved"][0]["best"]


def test_a_trigger_on_one_rank_stops_all_of_them(runs):
    assert [rank["steps"] for rank in runs["triggered"]] == 4 * [12]
    assert different(runs["triggered"]) == 1


@pytest.mark.parametrize(
    ("resumed", "whole", "batches"),
    [("resumed", "whole", 13), ("resumed_windows", "whole_windows", 9)],
)
def test_a_run_that_was_killed_goes_on_to_the_same_bits(runs, resumed, whole, batches):
    for rank, unstopped in zip(runs[resumed], runs[whole], strict=True):
        assert rank["losses"] == unstopped["losses"][batches:]
        assert rank["made"] == unstopped["made"][-len(rank["made"]) :]
        for name in ("weights", "best", "history"):
            assert rank[name] == unstopped[name]


def test_the_named_checkpoints_are_the_last_two(runs):
    assert runs["resumed"][0]["checkpoints"] == ["checkpoint_2", "checkpoint_3"]


def test_the_script_of_the_docs_ends_better_with_a_clan_in_a_short_run(runs):
    losses = runs["examples"]
    assert different(losses) == 1
    assert losses[0]["clan"] < losses[0]["plain"] - 0.1


def test_a_script_changes_in_five_lines():
    plain, clan = (EXAMPLES / f"accelerate_{name}.py" for name in ("plain", "clan"))
    _, _, *lines = difflib.unified_diff(code_of(plain), code_of(clan), n=0, lineterm="")
    assert len([line for line in lines if line.startswith("+")]) == 5


def code_of(script):
    """Return the lines of a script below its docstring, without empty ones."""
    text = script.read_text("utf-8").split('"""', 2)[2]
    return [line for line in text.splitlines() if line]
