"""A clan that a callback of Lightning trains on four ranks, and what Lightning does beside it."""

import math

import pytest
from features_lightning import FEATURES
from lightning_answers import RANKS, Answers, require_phases
from tracking import require_tracked

WORKING = [each for each in FEATURES if each.refusal is None]
REFUSED = [each for each in FEATURES if each.refusal is not None]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    return Answers.of_all_runs(tmp_path_factory.mktemp("lightning"))


@pytest.fixture
def run_of(answers):
    """Return a function that returns what a run with a feature has seen, on each rank."""

    def run_of(name):
        outcomes = answers.of("features", name)
        assert [each["error"] for each in outcomes] == [None] * RANKS
        return [each["run"] for each in outcomes]

    return run_of


# ---- Whole runs ----


@pytest.fixture
def phases(answers):
    return answers.of("runs", "phases")


def test_members_share_gradients_in_cooperation_and_batches_in_competition(phases):
    require_phases([each["gradients"] for each in phases])
    modes = [mode for mode, _ in phases[0]["gradients"]]
    assert modes == 3 * (2 * ["cooperative"] + 2 * ["competitive"])
    for step, mode in enumerate(modes):
        batches = {str(each["batches"][step]) for each in phases}
        assert len(batches) == (RANKS if mode == "cooperative" else 1)


def test_every_rank_ends_with_the_best_weights_and_without_hooks(phases):
    assert all(each["weights"] == each["best"] == phases[0]["best"] for each in phases)
    assert [each["hooks"] for each in phases] == [0] * RANKS


def test_a_run_without_a_judged_round_ends_with_the_weights_of_the_first_rank(answers):
    seen = answers.of("runs", "without_a_judged_round")
    assert len({str(each["last"]) for each in seen}) == RANKS
    assert all(each["weights"] == seen[0]["last"] for each in seen)


def test_each_round_is_judged_by_the_validation_of_the_module(phases):
    history = phases[0]["history"]
    assert [(round_, member) for round_, member, *_ in history] == [
        (round_, member) for round_ in range(3) for member in range(RANKS)
    ]
    assert all(0.0 < loss < math.inf for _, _, *losses in history for loss in losses)
    assert len({metric for _, _, metric, _ in history[:RANKS]}) > 1


def test_the_description_says_who_averages(phases):
    described = phases[0]["described"]
    assert "(ddp: by DistributedDataParallel, through a communication hook of the" in described


def test_equal_members_train_as_without_a_clan(answers):
    for equal in answers.of("runs", "equal_members"):
        assert len(equal["clan"]) == 12
        for ours, plain in zip(equal["clan"], equal["plain"], strict=True):
            assert ours == pytest.approx(plain, abs=1e-6)


@pytest.mark.parametrize("step", [3, 6, 9])
def test_a_run_that_goes_on_computes_the_same_bits(answers, step):
    saved, resumed = answers.of("runs", "saved"), answers.of("resumes", str(step))
    for whole, rest in zip(saved, resumed, strict=True):
        assert rest["losses"] == whole["losses"][step:]
        assert rest["weights"] == whole["weights"]
        assert rest["global_steps"] == [*range(step, 18)]
    assert {*resumed[0]["rounds"]} == {0, 1, 2, 3}


def test_a_checkpoint_has_all_members_or_the_weights_alone(answers, run_of):
    # Weights, running average, two moments and the best weights; Lightning has three of its own.
    size = answers.of("runs", "saved")[0]["size"]
    assert size == pytest.approx(5 * RANKS + 3, abs=0.5)
    assert not any(
        run["has_the_clan"] for run in run_of("`ModelCheckpoint(save_weights_only=True)`")
    )


def test_an_error_of_one_rank_is_read_on_all(answers):
    said = answers.of("resumes", "failing")
    assert said.pop(1) == "ValueError: the data is damaged"
    assert said == ["ClanError: rank 1: ValueError: the data is damaged"] * 3


# ---- A clan that the module makes itself ----


def test_the_module_of_the_specification_says_what_to_write(answers):
    for said in answers.of("runs", "made_in_a_started_rank"):
        assert said.endswith("and write Trainer(callbacks=[ClanCallback(judge='val_loss')])")


def test_a_clan_that_is_made_before_the_ranks_is_an_error_in_its_first_step(answers):
    for said in answers.of("runs", "made_too_early"):
        assert said == (
            "the model runs inside DistributedDataParallel on 4 ranks, and this clan was made "
            "before their process group, so it has one rank: in Lightning, leave the clan out of "
            "the module, and write Trainer(callbacks=[ClanCallback(judge='val_loss')])"
        )


def test_a_second_call_of_configure_optimizers_is_found(answers):
    for said in answers.of("resumes", "wrong_optimizer"):
        assert said.startswith("the AdamW that has made this step has parameters of the clan, ")


def test_the_script_of_the_docs_ends_better_with_a_clan_in_a_short_run(answers):
    losses = answers.of("runs", "examples")
    assert all(rank == losses[0] for rank in losses)
    assert losses[0]["clan"] < losses[0]["plain"]


# ---- Features that work ----


@pytest.mark.parametrize("feature", WORKING, ids=lambda feature: feature.name)
def test_features_leave_both_phases_and_the_genes_alone(answers, run_of, feature):
    runs = run_of(feature.run)
    # Half precision rounds small differences away.
    fewest = 2 if "precision" in feature.name else RANKS
    require_phases([each["gradients"] for each in runs], fewest)
    assert len({str(each["weights"]) for each in runs}) == 1
    genes = [str(genes) for round_, _, _, genes in runs[0]["history"] if round_ == 0]
    assert len({*genes}) == RANKS
    for rank, outcome in enumerate(answers.of("features", feature.run)):
        expected = {feature.warning} if feature.warning and rank == 0 else set()
        assert {*outcome["warnings"]} == expected


def test_the_progress_bar_counts_the_batches_of_an_epoch(run_of):
    assert run_of("Progress bar")[0]["bar"] == [6, 6]


def test_what_is_found_goes_to_the_logger_in_one_run(answers, run_of):
    history = run_of("Loggers (`CSVLogger`)")[0]["history"]
    rows = answers.log("log")
    steps = [int(row["step"]) for row in rows]
    assert steps == sorted(steps)
    rounds = [row for row in rows if row["clan/round"]]
    assert [float(row["clan/round"]) for row in rounds] == [0.0, 1.0, 2.0]
    for round_, member, metric, genes in history:
        row = rounds[round_]
        assert float(row[f"clan/member_{member}/metric"]) == metric
        assert float(row[f"clan/member_{member}/lr"]) == genes["lr"]
    assert [float(r["clan/competes"]) for r in rows if r["clan/competes"]] == 3 * [0.0, 1.0]


def test_tensorboard_wandb_and_mlflow_have_one_run_with_the_steps_of_lightning(
    answers, run_of, monkeypatch
):
    history = run_of("Loggers (`TensorBoardLogger`, `WandbLogger`, `MLFlowLogger`)")[0]["history"]
    of_3 = [(metric, genes["lr"]) for _, member, metric, genes in history if member == 3]
    found = dict(zip(("metric", "lr"), map(list, zip(*of_3, strict=True)), strict=True))
    folder, phases = answers.folder / "tracked", [0, 1, 3, 5, 7, 9]
    require_tracked(monkeypatch, folder, [3, 7, 11], phases, found, "trainer/global_step")


def test_the_learning_rate_monitor_logs_the_gene_at_each_step(answers, run_of):
    run = run_of("`LearningRateMonitor`")[0]
    rows = [row for row in answers.log("rates") if row["lr-AdamW"]]
    logged = {int(row["step"]): float(row["lr-AdamW"]) for row in rows}
    assert logged == {step: rate for step, (rate,) in enumerate(run["rates"][:-1])}
    assert logged[0] == run["history"][0][3]["lr"]


def test_early_stopping_ends_all_ranks_after_the_same_step(run_of):
    assert {run["steps"] for run in run_of("`EarlyStopping`")} == {12}


def test_max_steps_counts_steps_of_the_optimizer(run_of):
    assert {run["steps"] for run in run_of("`max_steps`")} == {9}
    run = run_of("`accumulate_grad_batches`")[0]
    assert (run["steps"], len(run["gradients"]), len(run["batches"])) == (6, 6, 12)


def test_gradients_are_clipped(run_of):
    for run in run_of("`gradient_clip_val`"):
        assert all(norm > 0.1 for _, norm in run["gradients"])
        assert run["norms"] == [pytest.approx(0.01, rel=1e-3)] * 6


@pytest.mark.parametrize("name", ["monitor=...", "save_weights_only=True"])
def test_checkpoints_have_the_best_weights(run_of, name):
    run = run_of(f"`ModelCheckpoint({name})`")[0]
    assert run["loaded"] == run["weights"]


def test_a_checkpoint_in_a_round_copies_the_best_weights_and_leaves_the_member_its_own(run_of):
    for run in run_of("`ModelCheckpoint(monitor=...)`"):
        assert run["saved"] == {
            "are_copies": True,
            "leave_the_member": True,
            "are_those_of_the_member": False,
        }


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("`precision='bf16-mixed'`", "torch.bfloat16"),
        ("`precision='16-mixed'`, with its scaler", "torch.float16"),
    ],
)
def test_half_precision_computes_nearly_the_same_gradients(run_of, name, kind):
    whole = run_of("`LightningDataModule`")[0]["gradients"][0][1]
    for run in run_of(name):
        assert run["kind"] == kind
        assert run["gradients"][0][1] == pytest.approx(whole, rel=0.02)
        assert run.get("scale") in (None, 1024.0)


def test_a_compiled_module_is_compiled(run_of):
    assert all(run["graphs"] > 0 for run in run_of("`torch.compile(module)`"))


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        ("Scheduler, stepped by batch", {step: 0.01 * 0.9**step for step in range(7)}),
        ("Scheduler, stepped by epoch", {0: 0.01, 5: 0.01, 6: 0.001, 11: 0.001, 12: 0.0001}),
        ("`ReduceLROnPlateau`", {0: 0.01, 11: 0.0001, 12: 0.00001}),
        ("`OneCycleLR`, with `estimated_stepping_batches`", {0: 0.1 / 25, 5: 0.1 / 25 / 1e4}),
    ],
)
def test_schedulers_of_lightning_set_the_rates_that_genes_multiply(run_of, name, rates):
    run = run_of(name)[0]
    first, *_ = rates.values()
    assert run["history"][0][3]["lr"] == pytest.approx(first, rel=0.2)
    assert {step: run["rates"][step] for step in rates} == {
        step: [pytest.approx(rate, rel=1e-6)] for step, rate in rates.items()
    }


@pytest.mark.parametrize(
    "name",
    [
        "Validation, `val_check_interval`",
        "Several validation loaders",
        "Metrics of torchmetrics",
        "`limit_train_batches`, `limit_val_batches`",
    ],
)
def test_the_judge_is_the_metric_of_the_whole_validation_data(run_of, name):
    runs = run_of(name)
    for _, member, metric, _ in runs[0]["history"]:
        by_hand = runs[member]["by_hand"]
        assert any(metric == pytest.approx(each, rel=1e-5) for each in by_hand)


def test_limits_of_batches_and_intervals_of_validation_are_kept(run_of):
    assert {run["validations"] for run in run_of("Validation, `val_check_interval`")} == {3}
    limited = run_of("`limit_train_batches`, `limit_val_batches`")
    assert {len(run["batches"]) for run in limited} == {4}


def test_running_means_of_batchnorm_end_equal_on_all_ranks(run_of):
    means = [run["means"] for run in run_of("BatchNorm")]
    assert means == [means[0]] * RANKS
    assert all(means[0])


def test_several_optimizers_that_a_module_steps_itself_have_rates_of_their_own(run_of):
    for run in run_of("Manual optimization, several optimizers"):
        assert (run["reduction"], len(run["gradients"])) == ("exact", 2 * len(run["batches"]))
        one, other = run["rates"][-1]
        assert one != other


def test_batches_of_lightning_are_those_without_a_clan(run_of):
    for run in run_of("`overfit_batches`"):
        assert run["batches"][:2] == run["batches"][2:]
    assert [run["reloaded"] for run in run_of("`reload_dataloaders_every_n_epochs`")] == [
        [0, 1]
    ] * 4


# ---- Features that are refused, and mistakes that are found ----


@pytest.mark.parametrize("feature", REFUSED, ids=lambda feature: feature.name)
def test_a_refused_feature_says_what_to_use_on_all_ranks(answers, feature):
    for outcome in answers.of("features", feature.run):
        assert outcome["error"].partition("Error: ")[2] == feature.refusal


def test_a_rate_that_a_module_writes_is_found_before_the_second_step(answers):
    for outcome in answers.of("features", "An assignment to `lr` in `on_train_batch_end`"):
        assert outcome["error"].startswith(
            "OverwrittenError: gene 'lr' set 'optimizer/param_groups/0/lr' to "
        )
        assert outcome["batches"] == 1
        (note,) = outcome["notes"]
        assert note == (
            "In Lightning, hand a scheduler to the clan by returning it from "
            "configure_optimizers, and leave its steps to Lightning."
        )


@pytest.mark.parametrize(
    ("name", "batches"),
    [
        ("`trainer.optimizers`, replaced while it trains", 7),  # at the start of the second epoch
        ("`configure_optimizers`, called again by a callback", 1),
    ],
)
def test_another_optimizer_is_found_in_its_first_step(answers, name, batches):
    seen = [outcome["batches"] for outcome in answers.of("features", name)]
    assert seen == [batches] * RANKS
