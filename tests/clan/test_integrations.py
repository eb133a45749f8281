"""Observers that write to other tools: what they write is read back with those tools."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from small_clans import clan, loss, train
from stored_runs import rows_of, scalars_of

from clantune_clan import ClanError, MetricsObserver
from clantune_clan.observers import JsonLines, MLflow, TensorBoard, WeightsAndBiases, metrics_of
from clantune_strategies import Everyone, Gaussian

WHY = "not installed: pip install -c constraints.txt -e plugins/clan[{}]"


def needs(package):
    return pytest.importorskip(package, reason=WHY.format(package))


def run(it, rounds):
    """Train some rounds; return the metrics of each, with the steps that are done then."""
    found = []
    for _ in range(rounds):
        train(it.round())
        it.step(loss)
        records = [*it.history.rounds()][-1]
        found.append((records[0].start + records[0].steps, metrics_of(records)))
    return found


def made(observer, **options):
    """A clan whose genes change from round to round, and whose members compete."""
    given = {"strategies": [Everyone(), Gaussian(0.3)], "duty_cycle": 0.5, "seed": 3}
    return clan(observers=[observer], **(given | options))


PHASES = [(0, 0.0), (2, 1.0), (4, 0.0), (6, 1.0)]
"""Steps and values of `clan/competes` in two rounds of four steps."""


class Listed(MetricsObserver):
    def __init__(self):
        self.logged = []

    def log(self, metrics, step):
        self.logged.append((step, metrics))


def launched(folder, script, *options):
    """Launch a script, which knows `small_clans`, in a folder; return what came of it."""
    path = folder / "train.py"
    path.write_text(f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n{script}")
    command = [sys.executable, "-m", "clantune_core", "launch", *options, path]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, cwd=folder
    )


# ---- Names and values ----


def test_metrics_have_the_values_of_the_records():
    observer = Listed()
    it = made(observer)
    run(it, 1)
    [record] = it.history
    steps = [step for step, _ in observer.logged]
    assert steps == [0, 2, 4]
    assert observer.logged[1][1] == {"clan/competes": 1.0}
    assert observer.logged[2][1] == {
        "clan/round": 0.0,
        "clan/member_0/metric": record.metric,
        "clan/member_0/learning_rate": record.learning_rates[0],
        "clan/member_0/weights_from": float(record.weights_from),
        **{f"clan/member_0/{gene}": value for gene, value in record.genes.items()},
    }
    assert {"lr", "betas/0"} <= record.genes.keys()


def test_a_return_of_the_clan_is_a_metric():
    observer = Listed()
    it = made(observer)
    run(it, 1)
    [record] = it.history
    assert "clan/went_back_to" not in metrics_of([record])
    returned = attrs.evolve(record, round=2, went_back_to=1)
    assert metrics_of([returned])["clan/went_back_to"] == 1.0


def test_what_is_not_a_finite_number_is_left_out():
    observer = Listed()
    it = made(
        observer,
        genome_config={
            "name": {"type": "value", "value": "abc", "domain": ["abc"]},
            "flag": {"type": "value", "value": True},
        },
        strategies="factorial",
    )
    run(it, 1)
    train(it.round())
    it.step(float("nan"))
    metrics = observer.logged[-1][1]
    assert metrics["clan/member_0/flag"] in (0.0, 1.0)
    assert not {"clan/member_0/metric", "clan/member_0/name", "clan/centre"} & metrics.keys()


# ---- JSON lines ----


def lines_of(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_json_lines_are_the_metrics_by_step(tmp_path):
    path = tmp_path / "new" / "metrics.jsonl"
    it = made(JsonLines(str(path)))
    assert not path.parent.exists()
    found = run(it, 2)
    lines = lines_of(path)
    assert [(each["step"], each["clan/competes"]) for each in lines if len(each) == 2] == PHASES
    assert [each for each in lines if len(each) > 2] == [
        {"step": step, **metrics} for step, metrics in found
    ]


def test_json_lines_go_on_where_a_run_was_saved(tmp_path):
    path = tmp_path / "metrics.jsonl"
    it = made(JsonLines(path))
    run(it, 1)
    it.save(tmp_path / "run")
    found = run(it, 2)
    before = lines_of(path)
    it.close()
    it = made(JsonLines(path))
    it.resume(tmp_path / "run")
    assert run(it, 1) == found[:1]
    lines = lines_of(path)
    assert lines == before[: len(lines)]
    assert [each["step"] for each in lines] == [0, 2, 4, 4, 6, 8]


def test_json_lines_of_another_run_are_not_continued(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 3}\n')
    it = made(JsonLines(path))
    with pytest.raises(ClanError) as raised:
        it.round()
    assert str(raised.value) == (
        f"there are metrics of another run at {path} already: move the file, or give another path"
    )
    assert path.read_text() == '{"step": 3}\n'


ATTEMPTS = """
from small_clans import clan, loss, train
from clantune_clan.communication.joining import is_restarted
from clantune.observers import JsonLines

options = {"checkpoints": "run", "history": "history.jsonl", "total_steps": 8}
for member in (it := clan(observers=[JsonLines("metrics.jsonl")], **options)).rounds():
    if not is_restarted():
        raise SystemExit(1)
    train(member)
    it.step(loss)
"""


def test_json_lines_begin_again_where_the_first_attempt_saved_nothing(tmp_path):
    done = launched(tmp_path, ATTEMPTS, "-n", "1", "--max-restarts", "1")
    assert done.returncode == 0, done.stderr
    first = lines_of(tmp_path / "metrics.jsonl.old-1")
    assert [each["step"] for each in first] == [0]
    assert [each["step"] for each in lines_of(tmp_path / "metrics.jsonl")] == [0, 4, 4, 8]
    starts = [lines_of(tmp_path / f"history.jsonl{end}")[0]["event"] for end in ("", ".old-1")]
    assert starts == ["start", "start"]


def test_a_restart_does_not_delete_the_history_of_another_run(tmp_path):
    (tmp_path / "history.jsonl").write_text("another run\n")
    (tmp_path / "history.jsonl.old-1").write_text("a third run\n")
    done = launched(tmp_path, ATTEMPTS, "-n", "1", "--max-restarts", "1")
    assert done.returncode == 0, done.stderr
    assert "there is a history at history.jsonl already" in done.stderr
    assert (tmp_path / "history.jsonl.old-1").read_text() == "a third run\n"
    assert (tmp_path / "history.jsonl.old-2").read_text() == "another run\n"


def test_json_lines_go_on_after_a_line_that_a_kill_has_torn(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 0, "x": 1.0}\n{"step": 2, "x": ')
    JsonLines(path).log({"x": 3.0}, 4)
    assert lines_of(path) == [{"step": 0, "x": 1.0}, {"step": 4, "x": 3.0}]


@pytest.mark.parametrize("line", ["{", "[]", '{"stop": 1}', '{"step": "x"}'])
def test_a_line_that_is_not_metrics_is_named(line, tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{{"step": 0}}\n{line}\n')
    with pytest.raises(ClanError) as raised:
        JsonLines(path).log({"x": 1.0}, 4)
    assert str(raised.value) == f"{path}, line 2: this is not metrics"
    assert path.read_text() == f'{{"step": 0}}\n{line}\n'


# ---- TensorBoard ----


def approximately(pairs):
    """Steps, and values that an event file has in 32 bits."""
    return [(step, pytest.approx(value, rel=1e-6)) for step, value in pairs]


def series(found):
    """Metrics by step as series by name."""
    made = {}
    for step, metrics in found:
        for name, value in metrics.items():
            made.setdefault(name, []).append((step, value))
    return made


def test_tensorboard_shows_the_metrics_by_step(tmp_path):
    needs("tensorboard")
    it = made(TensorBoard(tmp_path / "board"))
    assert [*tmp_path.iterdir()] == []
    found = series(run(it, 2)) | {"clan/competes": PHASES}
    it.close()
    scalars = scalars_of(tmp_path / "board")
    assert scalars.keys() == found.keys()
    for name, pairs in found.items():
        assert scalars[name] == approximately(pairs), name


def test_tensorboard_goes_on_where_a_run_was_saved(tmp_path):
    needs("tensorboard")
    it = made(TensorBoard(tmp_path / "board"))
    found = run(it, 1)
    it.save(tmp_path / "run")
    run(it, 2)
    it.close()
    it = made(TensorBoard(tmp_path / "board"))
    it.resume(tmp_path / "run")
    found += run(it, 1)
    it.close()
    scalars = scalars_of(tmp_path / "board")
    for name, pairs in series(found).items():
        assert scalars[name] == approximately(pairs), name
    steps = [step for step, _ in scalars["clan/competes"]]
    assert steps == [0, 2, 4, 4, 6]


def test_a_writer_that_is_given_is_used_and_stays_open(tmp_path):
    needs("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        it = made(TensorBoard(writer=writer))
        run(it, 1)
        it.close()
        writer.add_scalar("mine", 1.0, 5)
    assert {"mine", "clan/round"} <= scalars_of(tmp_path).keys()


# ---- Weights & Biases ----


@pytest.fixture
def wandb(tmp_path, monkeypatch):
    """The package, which writes into this folder and connects to nothing."""
    package = needs("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    yield package
    package.teardown()


def test_wandb_has_the_metrics_by_step(wandb, tmp_path):
    it = made(WeightsAndBiases(project="digits", run_id="abc"))
    assert [*tmp_path.iterdir()] == []
    found = run(it, 2)
    assert wandb.run is not None
    it.close()
    assert wandb.run is None
    run_id, rows, ends = rows_of(tmp_path)
    assert (run_id, ends) == ("abc", 1)
    assert [(r["clan/step"], r["clan/competes"]) for r in rows if "clan/competes" in r] == PHASES
    assert [row for row in rows if "clan/round" in row] == [
        {"clan/step": step, **metrics} for step, metrics in found
    ]


def test_a_run_of_wandb_that_is_open_is_used_and_stays_open(wandb, tmp_path):
    mine = wandb.init(project="digits")
    it = made(WeightsAndBiases())
    run(it, 1)
    it.close()
    assert wandb.run is mine
    mine.log({"mine": 1.0})
    mine.finish()
    _, rows, _ = rows_of(tmp_path)
    assert rows[-1] == {"mine": 1.0}
    assert "clan/round" in rows[-2]


def test_a_run_of_wandb_ends_with_a_process_that_closes_nothing(tmp_path):
    needs("wandb")
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from small_clans import clan\n"
        "from clantune.observers import WeightsAndBiases\n"
        f"init = {{'mode': 'offline', 'dir': {str(tmp_path)!r}}}\n"
        "it = clan(observers=[WeightsAndBiases(**init)])\n"
        "it.round()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert rows_of(tmp_path)[2] == 1


# ---- MLflow ----


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    """The package, which stores runs in this folder."""
    package = needs("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    for name in ("MLFLOW_EXPERIMENT_ID", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "")  # MLflow sets it for child processes; afterwards it is unset
    before = package.get_tracking_uri()
    package.set_tracking_uri((tmp_path / "mlruns").as_uri())
    package.set_experiment("tests")  # MLflow keeps that of another store
    yield package
    package.set_tracking_uri(before)


def history_of(mlflow, run_id, name):
    found = mlflow.MlflowClient().get_metric_history(run_id, name)
    return [(each.step, each.value) for each in found]


def test_mlflow_has_the_metrics_by_step(mlflow):
    it = made(MLflow("digits", run_name="first"))
    found = run(it, 2)
    run_id = mlflow.active_run().info.run_id
    it.close()
    assert mlflow.active_run() is None
    run_of = mlflow.get_run(run_id)
    assert (run_of.info.run_name, run_of.info.status) == ("first", "FINISHED")
    assert mlflow.get_experiment(run_of.info.experiment_id).name == "digits"
    for name, pairs in (series(found) | {"clan/competes": PHASES}).items():
        assert history_of(mlflow, run_id, name) == pairs, name


def test_a_run_of_mlflow_goes_on_by_its_id(mlflow, tmp_path):
    it = made(MLflow())
    found = run(it, 1)
    run_id = mlflow.active_run().info.run_id
    it.save(tmp_path / "run")
    it.close()
    it = made(MLflow(run_id=run_id))
    it.resume(tmp_path / "run")
    found += run(it, 1)
    assert mlflow.get_run(run_id).info.status == "RUNNING"
    it.close()
    assert mlflow.get_run(run_id).info.status == "FINISHED"
    assert history_of(mlflow, run_id, "clan/round") == [(4, 0.0), (8, 1.0)]
    assert history_of(mlflow, run_id, "clan/member_0/lr") == series(found)["clan/member_0/lr"]


def test_a_run_of_mlflow_that_is_active_is_used_and_stays_active(mlflow):
    with mlflow.start_run() as mine:
        it = made(MLflow(run_id=mine.info.run_id))
        run(it, 1)
        it.close()
        assert mlflow.active_run().info.run_id == mine.info.run_id
    assert history_of(mlflow, mine.info.run_id, "clan/round") == [(4, 0.0)]


# ---- All of them ----


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            TensorBoard,
            "TensorBoard needs tensorboard, which is not installed: pip install tensorboard",
        ),
        (
            WeightsAndBiases,
            "WeightsAndBiases needs wandb, which is not installed: pip install wandb",
        ),
        (MLflow, "MLflow needs mlflow, which is not installed: pip install mlflow-skinny"),
    ],
)
def test_a_package_that_is_missing_is_named_at_once(make, message, monkeypatch):
    for package in ("mlflow", "tensorboard", "wandb"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ClanError) as raised:
        make()
    assert str(raised.value) == message


def test_users_find_them_in_one_place():
    from clantune import observers

    known = {JsonLines, MetricsObserver, MLflow, TensorBoard, WeightsAndBiases}
    assert {getattr(observers, name) for name in observers.__all__} == known


SCRIPT = """
import importlib.util, os, sys
from pathlib import Path

rank = os.environ["RANK"]
folder = Path.cwd() / f"rank-{rank}"
folder.mkdir()
os.chdir(folder)  # each rank would write into a folder of its own
os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}
os.environ |= {"MLFLOW_TRACKING_URI": (folder / "mlruns").as_uri()}
os.environ |= {"MLFLOW_ALLOW_FILE_STORE": "true"}

from small_clans import clan, loss, train
from clantune.observers import JsonLines, MLflow, TensorBoard, WeightsAndBiases

observers = [JsonLines("metrics.jsonl")]
if importlib.util.find_spec("tensorboard"):
    observers.append(TensorBoard("board"))
if importlib.util.find_spec("wandb"):
    observers.append(WeightsAndBiases())
if importlib.util.find_spec("mlflow"):
    observers.append(MLflow())
for member in (it := clan(observers=observers, total_steps=8)).rounds():
    train(member)
    it.step(loss)
if rank == "1":
    assert not {"tensorboard", "wandb", "mlflow"} & {*sys.modules}
"""


def test_only_rank_0_writes(tmp_path):
    done = launched(tmp_path, SCRIPT, "-n", "2")
    assert done.returncode == 0, done.stderr
    assert [*(tmp_path / "rank-1").iterdir()] == []
    lines = [each for each in lines_of(tmp_path / "rank-0/metrics.jsonl") if "clan/round" in each]
    assert [each["step"] for each in lines] == [4, 8]
    assert all({"clan/member_0/lr", "clan/member_1/lr"} <= each.keys() for each in lines)
    written = {path.name for path in (tmp_path / "rank-0").iterdir()}
    places = {"tensorboard": "board", "wandb": "wandb", "mlflow": "mlruns"}
    found = {places[package] for package in places if importlib.util.find_spec(package)}
    assert written == {"metrics.jsonl"} | found
    if "board" in written:
        assert {"clan/member_1/lr"} <= scalars_of(tmp_path / "rank-0/board").keys()
