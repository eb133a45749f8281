"""Schedules found during one run, beside those that are set by hand or searched for.

Everybody has the same number of steps on four ranks; a search trains models alone, in as many. A
regret of 0 is the best of a grid of five learning rates with warm-up and cooldown, and 1 is the
mean of the same training with a rate that is ten times too low and too high. The worth of a method
is how long the best of that grid has to train to be as good, as a share of the cost of the method,
measuring included. Runs are kept in a folder, and those that are there are not repeated.

`--quick`: two ranks, one seed of one problem, short runs.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import torch
import torch.distributed as dist
from _contenders import CLANS, PLAIN, RANKS
from _plain import STARTS
from _proof import GOOD, GRID, GRID_STARTS, LENGTHS, PACED, Problems, Results, Run, Verdict
from _proof_tasks import LARGER, PROOF_TASKS, on
from _ranks import answer_of_ranks
from _report import PACKAGES, Bar, bar, report, show_progress
from _searches import SEARCHES
from _tasks import Task

ALONE = {**PLAIN, **SEARCHES}
METHODS = {**ALONE, **CLANS}
NEEDED = {
    "schedule-free AdamW": "schedulefree",
    "Prodigy": "prodigyopt",
    "ASHA (Optuna)": "optuna",
    "PBT (Ray Tune)": "ray",
    "PB2 (Ray Tune)": "GPy",
}
"""Packages of the extra `clantune[rivals]`."""
DEFAULT_METHODS = (*PLAIN, "random search", *list(CLANS)[:4])
"""Methods that are run if none is named."""
RULES = ("factorial()", "cautious()")


@attrs.frozen
class Plan:
    """What is run: which methods on which tasks from which starts, how often, and how long."""

    tasks: Sequence[str] = tuple(name for name in PROOF_TASKS if name not in LARGER)
    starts: Sequence[str] = tuple(STARTS)
    methods: Sequence[str] = DEFAULT_METHODS
    seeds: int = 5
    lengths: Sequence[float] = LENGTHS
    steps: int | None = None
    """Steps of a run of length 1, in place of those of the task."""
    ranks: int = RANKS
    device: str = "cpu"


QUICK = Plan(
    ("denoise",), ("several",), (PACED, "factorial()", "random search"), 1, (0.5, 1.25), 40, 2
)


@attrs.frozen
class Job:
    """A run that is to be done: where it begins, by which method, and how long."""

    start: str
    method: str
    seed: int
    length: float = 1.0


def jobs(plan: Plan) -> list[Job]:
    """Return the runs whose settings are known before the oracle is."""
    seeds = range(plan.seeds)
    grid = [Job(start, PACED, seed) for seed in seeds for start in GRID]
    others = [
        Job(start, method, seed)
        for seed in seeds
        for start in plan.starts
        for method in plan.methods
        if not (method == PACED and start in GRID)
    ]
    return grid + others


def run(task: Task, job: Job, plan: Plan) -> Run:
    torch.manual_seed(job.seed)
    untrained = task.loss_on(task.make_model(), task.test)
    torch.manual_seed(job.seed)
    steps = round(job.length * (plan.steps or task.steps))
    found = METHODS[job.method](task, GRID_STARTS[job.start], job.seed, steps)
    loss = min(found.loss, untrained) if math.isfinite(found.loss) else untrained
    return Run(task.name, job.start, job.method, job.seed, job.length, loss, found.steps)


def run_all(plan: Plan, folder: Path) -> None:
    """Run what the folder does not have yet."""
    for name in plan.tasks:
        results = Results(folder / f"{name}.jsonl")
        task = on(plan.device, PROOF_TASKS[name]())
        _run_missing(task, jobs(plan), plan, results)
        oracle = Problems(results.runs()).oracle
        lengths = [Job(oracle, PACED, s, each) for s in range(plan.seeds) for each in plan.lengths]
        _run_missing(task, lengths, plan, results)


def _run_missing(task: Task, wanted: Iterable[Job], plan: Plan, results: Results) -> None:
    there = {each.key for each in results.runs()}
    missing = [
        job
        for job in wanted
        if (task.name, job.start, job.method, job.seed, job.length) not in there
    ]
    alone = [job for job in missing if job.method in ALONE]
    for place, job in enumerate(alone):
        show_progress(place, len(alone), f"{task.name}, {job.start}, {job.method}")
        results.add(run(task, job, plan))
    together = [job for job in missing if job.method in CLANS]
    if together:
        told = json.dumps([task.name, str(results.path), [*map(attrs.astuple, together)]])
        same = ("--steps", str(plan.steps or task.steps), "--device", plan.device)
        answer_of_ranks(__file__, plan.ranks, "--rank", told, *same)


def as_a_rank(told: str, plan: Plan) -> None:
    dist.init_process_group("gloo")
    name, path, listed = json.loads(told)
    task, results = on(plan.device, PROOF_TASKS[name]()), Results(Path(path))
    for done, each in enumerate(listed):
        job = Job(*each)
        found = run(task, job, plan)
        if dist.get_rank() == 0:
            results.add(found)
            show_progress(done + 1, len(listed), f"{name}, {job.start}, {job.method}")
    if dist.get_rank() == 0:
        print(len(listed))
    dist.destroy_process_group()


def judged(folder: Path, plan: Plan) -> int:
    """Print what the runs in a folder show."""
    rows: list[tuple[object, ...]] = [("task", "start", "method", "loss", "regret", "±", "worth")]
    figures: dict[str, object] = {}
    by_method: dict[str, list[Verdict]] = {}
    for name in plan.tasks:
        problems = Problems(Results(folder / f"{name}.jsonl").runs())
        figures[f"{name}, oracle"] = problems.curve
        for each in problems.verdicts():
            loss = sum(each.losses) / len(each.losses)
            rows.append((name, each.start, each.method, loss, each.regret, each.error, shown(each)))
            figures[f"{name}, {each.start}, {each.method}"] = each.losses
            by_method.setdefault(each.method, []).append(each)
    bars: list[Bar] = []
    for rule in RULES:
        if found := by_method.get(rule):
            missed = sum(each.worth < GOOD for each in found) / len(found)
            bars.append(bar(f"{rule}: problems with a worth below {GOOD}", missed, 0.1))
    packages = (*PACKAGES, "clantune", "torch")
    return report("Schedules found during one run", rows, figures, bars, packages)


def shown(verdict: Verdict) -> str:
    """Return the worth of a method for tables."""
    if verdict.worth == 0.0:
        return f"below {LENGTHS[0]:g}"
    return f"{verdict.worth:.2f}{' or more' if verdict.is_more else ''}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a glance, 40 steps a run")
    parser.add_argument("--task", choices=[*PROOF_TASKS], action="append", help="these only")
    parser.add_argument("--start", choices=[*STARTS], help="this one only")
    parser.add_argument("--method", choices=[*METHODS], action="append", help="these only")
    parser.add_argument("--all", action="store_true", help="also Ray Tune, Optuna, all recipes")
    parser.add_argument("--seeds", type=int, default=Plan().seeds, help="default: %(default)s")
    parser.add_argument(
        "--into", type=Path, help="folder of the runs; default: build/schedules-DEVICE"
    )
    parser.add_argument("--device", default="cpu", help="of models and data; default: %(default)s")
    parser.add_argument("--rank", help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.rank and "RANK" in os.environ:
        as_a_rank(given.rank, Plan(steps=given.steps, device=given.device))
        return 0
    asked = given.method or (
        QUICK.methods if given.quick else METHODS if given.all else DEFAULT_METHODS
    )
    absent = [each for each in asked if each in NEEDED and find_spec(NEEDED[each]) is None]
    if absent:
        print(f"left out, since not installed: {', '.join(absent)}; pip install 'clantune[rivals]'")
    methods = [each for each in asked if each not in absent]
    if given.quick:
        with TemporaryDirectory() as folder:
            tasks = given.task or QUICK.tasks
            quick = attrs.evolve(QUICK, tasks=tasks, methods=methods, device=given.device)
            run_all(quick, Path(folder))
            return judged(Path(folder), quick)
    plan = Plan(
        given.task or Plan().tasks,
        (given.start,) if given.start else tuple(STARTS),
        methods,
        given.seeds,
        device=given.device,
    )
    into = given.into or Path(f"build/schedules-{given.device}")
    into.mkdir(parents=True, exist_ok=True)
    run_all(plan, into)
    return judged(into, plan)


if __name__ == "__main__":
    sys.exit(main())
