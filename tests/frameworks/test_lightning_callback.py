"""A clan that a callback of Lightning trains on four ranks, and what Lightning does beside it."""

import csv
import functools
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from features_lightning import FEATURES
from lightning_ranks import RANKS, answers

HERE = Path(__file__)

PARTS = [[*FEATURES][part::3] for part in range(3)]
"""The names of all features, in parts that take less than a minute each."""


def finished(script, *arguments):
    """Run a script to its end, and return it."""
    return subprocess.run(
        [sys.executable, HERE.with_name(script), *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def answers_of(script, name, folder, *arguments):
    """Run a script on four ranks; return what each has written."""
    done = finished(script, folder, name, *arguments)
    assert done.returncode == 0, done.stderr
    return answers(folder, name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lightning")


@pytest.fixture(scope="module")
def runs(folder):
    return answers_of("lightning_runs.py", "runs", folder)


@pytest.fixture(scope="module")
def resumed(folder, runs):
    return answers_of("lightning_resumes.py", "resumed", folder)


@functools.cache
def outcomes_of(part, folder):
    """Return what each rank has written of a part of the features."""
    return answers_of("lightning_features.py", f"features{part}-", folder, *PARTS[part])


@pytest.fixture
def outcomes(folder):
    """Return a function that returns the outcome of a feature on each rank."""

    def of(name):
        part = next(number for number, names in enumerate(PARTS) if name in names)
        return [answer[name] for answer in outcomes_of(part, folder)]

    return of


# ---- Whole runs ----


def test_members_share_gradients_in_cooperation_and_batches_in_competition(runs):
    phases = [answer["phases"] for answer in runs]
    modes = phases[0]["modes"]
    assert modes == 3 * (2 * ["cooperative"] + 2 * ["competitive"])
    for step, mode in enumerate(modes):
        gradients = {str(each["gradients"][step]) for each in phases}
        batches = {str(each["batches"][step]) for each in phases}
        expected = (1, RANKS) if mode == "cooperative" else (RANKS, 1)
        assert (len(gradients), len(batches)) == expected


def test_every_rank_ends_with_the_best_weights_and_without_hooks(runs):
    phases = [answer["phases"] for answer in runs]
    assert all(each["weights"] == each["best"] == phases[0]["best"] for each in phases)
    assert [each["hooks"] for each in phases] == [0] * RANKS


def test_each_round_is_judged_by_the_validation_of_the_module(runs):
    history = runs[0]["phases"]["history"]
    assert [(round_, member) for round_, member, *_ in history] == [
        (round_, member) for round_ in range(3) for member in range(RANKS)
    ]
    assert all(0.0 < loss < math.inf for _, _, *losses in history for loss in losses)
    assert len({metric for _, _, metric, _ in history[:RANKS]}) > 1


def test_the_description_says_who_averages(runs):
    described = runs[0]["phases"]["described"]
    assert "(ddp: by DistributedDataParallel, through a communication hook of the" in described


def test_what_is_found_goes_to_the_logger_in_one_run(folder, runs):
    (file,) = (folder / "lightning_logs").glob("*/metrics.csv")
    rows = [*csv.DictReader(file.read_text().splitlines())]
    steps = [int(row["step"]) for row in rows]
    assert steps == sorted(steps)
    rounds = [row for row in rows if row["clan/round"]]
    assert [float(row["clan/round"]) for row in rounds] == [0.0, 1.0, 2.0]
    assert all(row["clan/member_3/lr"] and row["clan/member_0/metric"] for row in rounds)
    assert [float(r["clan/competes"]) for r in rows if r["clan/competes"]] == 3 * [0.0, 1.0]


def test_equal_members_train_as_without_a_clan(runs):
    for answer in runs:
        equal = answer["equal_members"]
        assert len(equal["clan"]) == 12
        for ours, plain in zip(equal["clan"], equal["plain"], strict=True):
            assert ours == pytest.approx(plain, abs=1e-6)


@pytest.mark.parametrize("step", [3, 6, 9])
def test_a_run_that_goes_on_computes_the_same_bits(runs, resumed, step):
    for before, after in zip(runs, resumed, strict=True):
        whole, rest = before["saved"], after[str(step)]
        assert rest["losses"] == whole["losses"][step:]
        assert rest["weights"] == whole["weights"]
        assert rest["global_steps"] == [*range(step, 18)]
    assert {*resumed[0][str(step)]["rounds"]} == {0, 1, 2, 3}


def test_an_error_of_one_rank_is_read_on_all(resumed):
    said = [answer["failing"] for answer in resumed]
    assert said.pop(1) == "ValueError: the data is damaged"
    assert said == ["ClanError: rank 1: ValueError: the data is damaged"] * 3


# ---- Features ----


@pytest.mark.parametrize("feature", FEATURES)
def test_features_work_or_say_why_not(outcomes, feature):
    expected, seen = FEATURES[feature], outcomes(feature)
    if not expected.startswith("works"):
        assert all(expected in (each["error"] or "") for each in seen), seen[0]
        return
    assert [each["error"] for each in seen] == [None] * RANKS
    assert len({str(each["run"]["weights"]) for each in seen}) == 1
    assert all(math.isfinite(weight) for weight in seen[0]["run"]["weights"])
    why = expected.partition("Lightning's batches: ")[2]
    assert bool(why) == bool(seen[0]["warnings"])
    assert all(why in warning for warning in seen[0]["warnings"])


def test_the_page_lists_every_feature():
    page = (HERE.parents[2] / "docs/frameworks/lightning.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ", 1) for line in page.splitlines() if " | " in line]
    assert dict(rows).items() >= FEATURES.items()


@pytest.fixture
def run_of(outcomes):
    """Return a function that returns what a run with a feature has seen, on each rank."""
    return lambda name: [each["run"] for each in outcomes(name)]


def test_early_stopping_ends_all_ranks_after_the_same_step(run_of):
    assert {run["steps"] for run in run_of("`EarlyStopping`")} == {12}


def test_max_steps_counts_steps_of_the_optimizer(run_of):
    assert {run["steps"] for run in run_of("`max_steps`")} == {9}
    run = run_of("`accumulate_grad_batches`")[0]
    assert (run["steps"], len(run["modes"])) == (6, 12)


def test_gradients_are_clipped(run_of):
    for run in run_of("`gradient_clip_val`"):
        assert all(norm <= 0.01001 for norm in run["norms"])


@pytest.mark.parametrize("name", ["monitor=...", "save_weights_only=True"])
def test_checkpoints_have_the_best_weights(run_of, name):
    run = run_of(f"`ModelCheckpoint({name})`")[0]
    assert run["loaded"] == run["weights"]


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("Scheduler, stepped by batch", 0.01 * 0.9**12),
        ("Scheduler, stepped by epoch", 0.01 * 0.1**2),
        ("`ReduceLROnPlateau`", 0.01 * 0.1**3),
    ],
)
def test_schedulers_of_lightning_set_the_rates_that_genes_multiply(run_of, name, rate):
    run = run_of(name)[0]
    gene = run["history"][0][2]["lr"]
    assert gene == pytest.approx(0.01, rel=0.2)
    assert run["rates"] == [pytest.approx(rate, rel=1e-6)]


# ---- A clan that the module makes itself ----


def test_the_module_of_the_specification_says_what_to_write():
    done = finished("lightning_init.py")
    assert done.returncode != 0
    errors = {line for line in done.stderr.splitlines() if "ClanError: " in line}
    assert len(errors) == 1
    assert "Trainer(callbacks=[ClanCallback(judge='val_loss')])" in errors.pop()


def test_a_clan_that_is_made_before_the_ranks_is_an_error_in_its_first_step(runs):
    for answer in runs:
        assert answer["made_too_early"].startswith(
            "the model runs inside DistributedDataParallel on 4 ranks, and this clan was made "
        )
