"""A clan in the Trainer of Hugging Face, on four ranks."""

import importlib
import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from features_transformers import FEATURES
from tracking import require_tracked

SCRIPT = Path(__file__).with_name("transformers_start.py")
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "4")

STARTS = {
    "torchrun": ["phases", "no_rank_fails_alone"],
    "training": [
        *("wrapped", "accumulating_3", "accumulating_4", "equal_members", "epochs", "stream"),
        *("bfloat16", "scaled", "compiled", "twice", "looking_at_data", "examples", "trackers"),
        *("late_callback", "no_evaluation_set", "unknown_loss", "batch_metrics", "plateau"),
        *("greedy", "batch_size_search", "split_batches", "divided_stream", "grouped"),
        *("hyperparameter_search", "deepspeed", "fsdp", "sharded", "data_parallel"),
        *("a_length", "a_typo"),
        *("unknown_metric", "written_rate", "second_scheduler", "loaded_optimizer"),
        *("replaced_optimizer", "recreated_optimizer", "replaced_scheduler"),
    ],
    "saving": [
        *("evaluating", "evaluating_in_parts", "saving", "stopping", "stopped"),
        *("stopped_at_once", "whole", "whole_windows", "stopped_windows", "killed"),
        *("+", "resumed", "resumed_windows", "resumed_at_the_end", "resumed_without_a_clan"),
    ],
}
"""Runs of each start of four ranks. `killed` and `no_rank_fails_alone` end the ranks."""


class Starts:
    """Starts runs when a test first asks for one of them."""

    def __init__(self, folder):
        self.folder, self._done = folder, {}

    def __getitem__(self, name):
        """Return what each rank has answered in a run."""
        (start,) = (start for start, names in STARTS.items() if name in names)
        done = self.done(start)
        answers = self.folder / f"{name}.json"
        assert answers.exists(), done.stderr
        return json.loads(answers.read_text())

    def done(self, start):
        """Return the ended process of a start."""
        if start not in self._done:
            launcher = TORCHRUN if start == "torchrun" else ()
            self._done[start] = subprocess.run(
                [sys.executable, *launcher, SCRIPT, self.folder, *STARTS[start]],
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
                timeout=400,
                check=False,
            )
        return self._done[start]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return Starts(tmp_path_factory.mktemp("runs"))


def different(answers, name):
    """Return how many different answers the ranks have given under a name."""
    return len({json.dumps(answer[name]) for answer in answers})


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_feature_works_or_is_refused_on_all_ranks(runs, feature):
    for answer in runs[feature.run]:
        assert answer.get("error") == feature.refusal


@pytest.mark.parametrize(
    "name",
    [
        *("phases", "wrapped", "accumulating_3", "accumulating_4", "epochs", "stream"),
        *("bfloat16", "scaled", "compiled", "looking_at_data", "stopped_at_once"),
    ],
)
def test_gradients_are_equal_in_cooperation_and_different_in_competition(runs, name):
    ranks = runs[name]
    modes = ranks[0]["modes"]
    assert {*modes} == {"cooperative", "competitive"}
    for step, mode in enumerate(modes):
        gradients = {json.dumps(rank["gradients"][step]) for rank in ranks}
        assert (len(gradients) == 1) == (mode == "cooperative")


def test_a_wrapper_that_looks_for_no_unused_parameters_averages_itself(runs):
    assert "(ddp: by DistributedDataParallel" in runs["wrapped"][0]["description"]
    assert "(exact: in one sum" in runs["accumulating_3"][0]["description"]


def test_all_ranks_end_with_the_same_weights(runs):
    for name in (
        "phases",
        "wrapped",
        "accumulating_3",
        "evaluating",
        "saving",
        "stopping",
        "stopped",
        "stopped_at_once",
    ):
        assert different(runs[name], "weights") == 1


def test_equal_members_train_like_a_plain_trainer(runs):
    """Bit for bit if the wrapper averages in both; else the clan adds in another order."""
    for rank in runs["equal_members"]:
        assert rank["1"]["difference"] == 0.0
        assert rank["3"]["difference"] < 1e-6
        for answer in rank.values():
            assert answer["moved"] > 0.01
            assert answer["losses"][0] == pytest.approx(answer["losses"][1], abs=1e-6)


def test_genes_and_losses_of_all_members_are_logged_once_at_the_step_of_trainer(runs):
    first, second = runs["phases"][:2]
    assert first["history"] == [[*each] for each in product(range(3), range(4))]
    logged = [entry for entry in first["log"] if "clan/round" in entry]
    assert [(entry["clan/round"], entry["step"]) for entry in logged] == [(0, 8), (1, 16), (2, 24)]
    assert all(f"clan/member_{member}/lr" in logged[0] for member in range(4))
    phases = [entry["step"] for entry in first["log"] if "clan/competes" in entry]
    assert phases == [0, 4, 8, 12, 16, 20]
    assert not [entry for entry in second["log"] if "clan/round" in entry]
    steps = [entry["step"] for entry in first["log"]]
    assert steps == sorted(steps)
    losses = [entry["step"] for entry in first["log"] if "loss" in entry]
    assert losses == [*range(1, 25)]  # the clan's metrics replace none


def test_loggers_get_what_rank_0_logs_once_at_monotone_steps(runs):
    first, second = (rank["logged"] for rank in runs["phases"][:2])
    found = [entry["step"] for entry in first if "clan/member_3/lr" in entry]
    assert found == [8, 16, 24]
    assert [entry["step"] for entry in first] == sorted(entry["step"] for entry in first)
    assert not [entry for entry in second if "clan/round" in entry]


def test_tensorboard_wandb_and_mlflow_have_one_run_with_the_steps_of_trainer(runs, monkeypatch):
    found, folder = runs["trackers"][0], runs.folder / "trackers"
    phases = [*range(0, 24, 4)]
    require_tracked(monkeypatch, folder, [8, 16, 24], phases, found, "train/global_step")


def test_the_schedule_of_the_rate_is_that_of_trainer(runs):
    for rank in runs["phases"]:
        rates = [entry["learning_rate"] for entry in rank["log"] if "learning_rate" in entry]
        assert rates == pytest.approx([0.01 * (25 - step) / 24 for step in range(1, 25)])


def test_the_gene_of_weight_decay_leaves_the_group_without_decay_alone(runs):
    genes = runs["phases"][0]["description"].split("Genes:")[1]
    (decay,) = (line for line in genes.splitlines() if line.strip().startswith("weight_decay"))
    assert "param_groups/0/weight_decay" in decay
    assert "param_groups/1/weight_decay" not in decay


def test_epochs_and_steps_count_as_in_a_plain_trainer(runs):
    epochs, stream = runs["epochs"][0], runs["stream"][0]
    assert (epochs["step"], epochs["epoch"]) == (4, 2.0)
    assert (stream["step"], stream["epoch"]) == (16, 1.0)
    assert runs["accumulating_3"][0]["step"] == 9


def test_a_scale_that_is_too_high_skips_steps_on_all_ranks(runs):
    for rank in runs["scaled"]:
        assert rank["scale"] == 2.0**40
        assert rank["losses"][-1] < 1.0 < rank["losses"][0]


def test_checkpoints_have_the_best_weights_of_the_clan(runs):
    for rank in runs["saving"]:
        assert rank["saved"] == rank["of the clan"]
        assert rank["saved"]["16"] == rank["weights"]


def test_the_best_checkpoint_is_loaded_and_old_ones_are_deleted(runs):
    for rank in runs["evaluating"]:
        assert rank["best"] in rank["checkpoints"]
        assert len(rank["checkpoints"]) == 2
        assert rank["weights"] == rank["best weights"]
        assert all(0.0 <= metric <= 1.0 for metric in rank["metrics"])


def test_the_judge_moves_predictions_to_the_cpu_as_often_as_it_is_told(runs):
    for rank in runs["evaluating_in_parts"]:
        assert rank["moved"] == [8, 16]  # the samples of two batches, and of the last one


def test_a_callback_may_look_at_the_training_data(runs):
    for rank in runs["looking_at_data"]:
        assert rank["seen"] == 6 * [4]  # a quarter of the samples, in Trainer's own batches
        assert (rank["step"], rank["rounds"]) == (16, 2)


def test_a_loaded_state_of_the_optimizer_that_overwrites_genes_is_found(runs):
    for rank in runs["loaded_optimizer"]:
        assert "gene 'weight_decay' set 'optimizer/param_groups/0/weight_decay' to" in rank["error"]


def test_early_stopping_ends_all_ranks_in_the_middle_of_a_round(runs):
    assert [rank["step"] for rank in runs["stopping"]] == 4 * [12]


@pytest.mark.parametrize(
    ("resumed", "whole", "left"),
    [("resumed", "whole", 14), ("resumed_windows", "whole_windows", 11)],
)
def test_a_resumed_run_goes_on_to_the_same_bits(runs, resumed, whole, left):
    codes = json.loads(runs.done("saving").stdout.splitlines()[-1])
    assert codes == [9, 0]  # all ranks were killed at first
    for rank, unstopped in zip(runs[resumed], runs[whole], strict=True):
        assert rank["losses"] == unstopped["losses"]
        assert rank["weights"] == unstopped["weights"]
        assert rank["gradients"] == unstopped["gradients"][-left:]
        assert rank["modes"] == unstopped["modes"]


def test_a_run_that_was_over_is_left_as_it_is(runs):
    for rank, whole in zip(runs["resumed_at_the_end"], runs["whole"], strict=True):
        assert rank["weights"] == whole["weights"]
        assert rank["gradients"] == []


def test_the_scripts_of_the_docs_train(runs):
    losses = runs["examples"]
    assert all(rank == losses[0] for rank in losses)
    assert max(losses[0].values()) < 2.6  # 4.6 at first


def test_an_error_on_one_rank_ends_the_others(runs):
    done = runs.done("torchrun")
    assert done.returncode != 0
    assert "ValueError: no luck" in done.stderr


@pytest.mark.parametrize("missing", ["transformers", "clantune_frameworks"])
def test_a_missing_package_is_named_with_what_to_install(missing, monkeypatch):
    for name in [*sys.modules]:
        if name.startswith(("clantune_frameworks", "clantune.transformers")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=rf"needs {missing}, .*'clantune\[transformers\]'"):
        importlib.import_module("clantune.transformers")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unknown_loss", "which has eval_loss"),
        ("a_typo", "no option 'round_lenght': the options are autobind, genome_config"),
    ],
)
def test_an_error_says_what_to_write(runs, name, message):
    assert all(message in rank["error"] for rank in runs[name])
