"""The comparison of methods: how runs are kept and judged, and that every method trains."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import attrs
import pytest
import torch

FOLDER = str(Path(__file__).parents[1] / "benchmarks")


@pytest.fixture(scope="module")
def modules():
    sys.path.insert(0, FOLDER)
    before = set(sys.modules)
    import _contenders
    import _plain
    import _proof
    import _proof_tasks
    import _searches
    import _trial

    yield {
        each.__name__: each
        for each in (_contenders, _plain, _proof, _proof_tasks, _searches, _trial)
    }
    sys.path.remove(FOLDER)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(FOLDER):
            del sys.modules[name]


@pytest.fixture(scope="module")
def proof(modules):
    return modules["_proof"]


CURVE = [(0.5, 4.0), (1.0, 2.0), (1.25, 1.0)]


@pytest.mark.parametrize(
    ("loss", "length"),
    [(5.0, 0.0), (4.0, 0.5), (8.0**0.5, 0.75), (2.0, 1.0), (2.0**0.5, 1.125), (0.5, 1.25)],
)
def test_the_length_as_good_is_found_on_the_curve_of_the_oracle(proof, loss, length):
    assert proof.length_as_good(loss, CURVE) == pytest.approx(length)


def test_the_interval_is_that_of_students_t(proof):
    assert proof.half_interval([1.0, 2.0, 3.0]) == pytest.approx(4.3027 / 3**0.5, rel=1e-4)
    assert proof.half_interval([1.0]) == float("inf")


GRID_LOSSES = {"lr / 10": 7.0, "lr x 0.3": 3.0, "tuned": 2.0, "lr x 3": 3.0, "lr x 10": 5.0}


def runs_of(proof, *more):
    """The oracle's runs, and some more: start, method, seed, length, loss, steps."""
    grid = [(start, proof.PACED, 0, 1.0, loss, 100) for start, loss in GRID_LOSSES.items()]
    lengths = [("tuned", proof.PACED, 0, 0.5, 4.0, 50), ("tuned", proof.PACED, 0, 1.25, 1.0, 125)]
    return [proof.Run("task", *each) for each in (*grid, *lengths, *more)]


def test_a_method_is_judged_by_the_oracle_and_its_own_cost(proof):
    found = runs_of(
        proof,
        ("several", "clan", 1, 1.0, 4.0, 110),
        ("several", "clan", 0, 1.0, 2.0, 110),
    )
    problems = proof.Problems(found)
    assert problems.oracle == "tuned"
    assert problems.curve == CURVE
    judged = {(each.start, each.method): each for each in problems.verdicts()}
    clan = judged["several", "clan"]
    assert clan.losses == [2.0, 4.0]  # by seed
    assert clan.regret == pytest.approx((3.0 - 2.0) / (6.0 - 2.0))
    assert clan.worth == pytest.approx(proof.length_as_good(3.0, CURVE) / 1.1)
    assert not clan.is_more
    assert clan.cost == pytest.approx(1.1)
    assert clan.length == pytest.approx(proof.length_as_good(3.0, CURVE))
    mean, half = problems.beside(clan, judged["tuned", proof.PACED])  # of their one common seed
    assert (mean, half) == (0.0, float("inf"))
    worse = attrs.evolve(clan, losses=[3.0, 7.0])
    mean, half = problems.beside(clan, worse)
    assert mean == pytest.approx((1.0 + 3.0) / 2 / 4.0)
    assert half == pytest.approx(proof.half_interval([0.25, 0.75]))
    assert judged["tuned", proof.PACED].worth == pytest.approx(1.0)
    assert judged["lr / 10", proof.PACED].worth == 0.0
    assert ("lr x 3", proof.PACED) not in judged  # of the grid only


def test_a_grid_that_has_learned_nothing_is_no_scale(proof):
    runs = [attrs.evolve(run, loss=7.0) for run in runs_of(proof)]
    with pytest.raises(SystemExit, match=r"task: rates that are .* train longer"):
        proof.Problems(runs)


def test_runs_come_back_from_their_file(proof, tmp_path):
    results = proof.Results(tmp_path / "task.jsonl")
    assert results.runs() == []
    for run in runs_of(proof):
        results.add(run)
    assert results.runs() == runs_of(proof)


def test_a_run_that_was_done_twice_counts_once(proof, tmp_path):
    results, run = proof.Results(tmp_path / "task.jsonl"), runs_of(proof)[0]
    results.add(run)
    results.add(attrs.evolve(run, loss=1.5))
    assert results.runs() == [attrs.evolve(run, loss=1.5)]


NEEDED = {"ASHA (Optuna)": "optuna", "schedule-free AdamW": "schedulefree", "Prodigy": "prodigyopt"}
IN_RAY = {"PBT (Ray Tune)": "ray", "PB2 (Ray Tune)": "GPy"}
ALONE = [
    *("DDP, warm-up, cooldown", "DDP, constant", "DDP, cosine", "schedule-free AdamW", "Prodigy"),
    *("random search", "ASHA (Optuna)"),
]


def test_these_are_all_methods_that_need_no_ranks(modules):
    assert [*modules["_contenders"].PLAIN, *modules["_searches"].SEARCHES] == [*ALONE, *IN_RAY]


def require(package):
    if package and find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install 'clantune[rivals]'")


@pytest.mark.parametrize("method", ALONE)
def test_a_method_learns_and_is_charged_for_what_it_measures(modules, method):
    require(NEEDED.get(method))
    task = modules["_proof_tasks"].denoise()
    methods = {**modules["_contenders"].PLAIN, **modules["_searches"].SEARCHES}
    untrained = task.loss_on(task.make_model(), task.test)
    found = methods[method](task, modules["_plain"].STARTS["tuned"], 0, 40)
    assert found.loss < 0.8 * untrained
    if method in modules["_contenders"].PLAIN:
        assert found.steps == 40
    elif method == "random search":
        assert found.steps == pytest.approx(40 + 4 / 3)  # each model is measured once
    else:
        assert 30 <= found.steps <= 40 + 20 * 4 / 3  # in each of 20 turns at most


@pytest.mark.parametrize("method", IN_RAY)
def test_a_scheduler_of_ray_tune_trains_a_population(method):
    require(IN_RAY[method])
    command = [sys.executable, f"{FOLDER}/schedules.py", "--quick", "--method", method]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    result = json.loads(done.stdout.splitlines()[-1])
    (loss,) = result["figures"][f"denoise, several, {method}"]
    assert 0.0 < loss < 0.075  # an untrained model has more than 0.1


@pytest.mark.parametrize("name", ["denoise", "waves", "prose"])
def test_to_measure_a_model_costs_little(modules, name):
    task = modules["_proof_tasks"].PROOF_TASKS[name]()
    judge = modules["_trial"].Judge(task)
    judge(task.make_model())
    assert judge.steps == pytest.approx(4 / 3)
    assert 60 * judge.steps <= 0.11 * task.steps  # three models in each of 20 rounds


@pytest.mark.parametrize("name", ["gpt", "resnet"])
def test_a_task_for_accelerators_can_be_learned(modules, name):
    tasks = modules["_proof_tasks"]
    assert name in tasks.LARGER
    task = tasks.PROOF_TASKS[name]()
    torch.manual_seed(0)
    model = task.make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=task.lr)
    x, y = (each[: task.batch_size] for each in task.train)
    losses = []
    for _ in range(8):
        loss = task.loss(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    assert 0.0 < task.loss_on(model, task.judged) < 20.0


def test_a_task_goes_to_a_device_as_a_whole(modules):
    tasks = modules["_proof_tasks"]
    task = tasks.on("meta", tasks.prose())
    model = task.make_model()
    x, y = (each[:2] for each in task.train)
    assert task.loss(model(x), y).device.type == "meta"
    assert {each.device.type for each in (*task.judged, *task.test)} == {"meta"}


def test_the_tables_of_the_page_are_those_of_the_runs():
    script = Path(__file__).parents[2] / "docs/benchmarks/tables.py"
    code = "import sys, tables; sys.stdout.write(tables.with_tables(sys.stdin.read()))"
    page = script.with_name("index.md").read_text("utf-8")
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=page,
        capture_output=True,
        text=True,
        check=True,
        cwd=script.parent,
    )
    assert done.stdout == page
    assert "| **`cautious()`** (" in page
