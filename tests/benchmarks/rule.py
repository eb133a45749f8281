"""The default rule on real ranks, beside its control, other rules and plain training.

Four ranks, started once; each line of the table is the loss on data that nobody saw before the end.
`--quick`: two ranks, one seed of one case, and a short run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import attrs
import torch
import torch.distributed as dist
from _in_a_clan import trained_in_a_clan
from _plain import STARTS, Plain, Start, trained_plainly
from _ranks import answer_of_ranks
from _report import PACKAGES, Bar, bar, report, show_progress
from _tasks import TASKS

from clantune import as_specified, cautious, factorial
from clantune_core import AbstractStrategy

RANKS = 4
SEEDS = 5


ORACLE = {f"lr x {times:g}": Start(times) for times in (0.3, 1.0, 3.0)}
"""What somebody would try who has the time."""

CONTROL = "factorial(evolve=False)"
RULES: Mapping[str, Callable[[], Sequence[AbstractStrategy]]] = {
    "factorial()": factorial,
    "cautious()": cautious,
    "factorial(calibrate=True)": lambda: factorial(calibrate=True),
    CONTROL: lambda: factorial(evolve=False),
    "as_specified()": as_specified,
}


RIVALS = {
    "DDP, warm-up, cooldown": Plain(is_paced=True),
    "DDP, best average": Plain(is_paced=True, takes_best=True),
}
PLAIN = {"plain DDP": Plain(), **RIVALS}

SIMULATED = {
    "lr": {
        "factorial()": 0.11,
        "factorial(calibrate=True)": -0.007,
        "factorial(evolve=False)": 0.019,
        "as_specified()": 3.3,
        "DDP, warm-up, cooldown": 0.49,
    },
    "several": {
        "factorial()": 0.05,
        "factorial(calibrate=True)": -0.021,
        "factorial(evolve=False)": 0.43,
        "as_specified()": 0.39,
        "DDP, warm-up, cooldown": 0.47,
    },
}
"""Regret in a simulation with as many members, mean over five tasks, from a calibrated start."""


@attrs.frozen
class Plan:
    """What is run: which tasks from which starts, how often, and how long."""

    tasks: tuple[str, ...] = tuple(TASKS)
    starts: tuple[str, ...] = tuple(STARTS)
    seeds: int = SEEDS
    steps: int | None = None


QUICK = Plan(("digits",), ("several",), 1, 40)


def jobs(plan: Plan) -> list[dict[str, object]]:
    """Return every run: task, start, method and seed."""
    tasks, starts, seeds = plan.tasks, plan.starts, plan.seeds
    made: list[dict[str, object]] = []
    for task in tasks:
        for seed in range(seeds):
            for start in starts:
                made += [
                    {"task": task, "start": start, "method": method, "seed": seed}
                    for method in (*RULES, *PLAIN)
                ]
            made += [
                {"task": task, "start": start, "method": "oracle", "seed": seed} for start in ORACLE
            ]
    return made


def as_a_rank(plan: Plan) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    tasks = {name: TASKS[name]() for name in plan.tasks}
    todo = jobs(plan)
    for done, job in enumerate(todo):
        task, seed, method = tasks[str(job["task"])], int(str(job["seed"])), str(job["method"])
        start = {**STARTS, **ORACLE}[str(job["start"])]
        steps = plan.steps or task.steps
        torch.manual_seed(seed)
        began = time.perf_counter()
        if method in RULES:
            job["loss"] = trained_in_a_clan(task, start, RULES[method](), seed, steps)
        else:
            plain = PLAIN["DDP, warm-up, cooldown" if method == "oracle" else method]
            job["loss"] = trained_plainly(task, start, plain, seed, steps)
        job["seconds"] = time.perf_counter() - began
        if dist.get_rank() == 0:
            show_progress(done + 1, len(todo), f"{job['task']}, {job['start']}, {method}")
    if dist.get_rank() == 0:
        print(json.dumps(todo))
    dist.destroy_process_group()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed of one case, short runs")
    parser.add_argument("--task", choices=[*TASKS], help="this one only")
    parser.add_argument("--start", choices=[*STARTS], help="this one only")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="default: %(default)s")
    parser.add_argument("--rank", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank and "RANK" in os.environ:
        tasks, starts, *others = json.loads(arguments.rank)
        as_a_rank(Plan(tuple(tasks), tuple(starts), *others))
        return 0
    plan = Plan(
        (arguments.task,) if arguments.task else tuple(TASKS),
        (arguments.start,) if arguments.start else tuple(STARTS),
        arguments.seeds,
    )
    plan, ranks = (QUICK, 2) if arguments.quick else (plan, RANKS)
    told = json.dumps(attrs.astuple(plan))
    return _report(answer_of_ranks(__file__, ranks, "--rank", told), ranks)


def _report(runs: list[dict[str, object]], ranks: int) -> int:
    rows: list[tuple[object, ...]] = [
        ("task", "start", "method", "loss", "quartiles", "regret", "simulated", "seconds")
    ]
    figures: dict[str, object] = {}
    bars: list[Bar] = []
    cases = sorted({(str(r["task"]), str(r["start"])) for r in runs if r["method"] != "oracle"})
    for task, start in cases:
        best = min(_median(runs, task, each, "oracle") for each in ORACLE)
        plain = [_median(runs, task, each, "plain DDP") for each in STARTS if "lr" in each]
        worst = statistics.fmean(plain)  # not a number, and no regret, if only one start was run
        losses = {}
        for method in (*RULES, *PLAIN):
            found = _losses(runs, task, start, method)
            losses[method] = statistics.median(found)
            regret = (losses[method] - best) / (worst - best)
            simulated = SIMULATED.get("lr" if start.startswith("lr") else start, {}).get(method, "")
            low, high = found[len(found) // 4], found[(3 * len(found)) // 4]
            seconds = statistics.fmean(
                float(str(r["seconds"])) for r in _of(runs, task, start, method)
            )
            spread = f"{low:.4g} {high:.4g}"
            row = (task, start, method, losses[method], spread, regret, simulated, f"{seconds:.1f}")
            rows.append(row)
            figures[f"{task}, {start}, {method}"] = {
                "losses": found,
                "regret": regret,
                "seconds": seconds,
            }
        rows.append((task, start, "best of a grid", best, "", 0.0, "", ""))
        for rival in (*RIVALS, CONTROL):
            ratio = losses["factorial()"] / losses[rival]
            bars.append(bar(f"{task}, {start}: factorial() against {rival}", ratio, 1.0))
    title = f"The default rule on {ranks} ranks"
    return report(title, rows, figures, bars, (*PACKAGES, "clantune", "torch"))


def _of(
    runs: list[dict[str, object]], task: str, start: str, method: str
) -> list[dict[str, object]]:
    wanted = (task, start, method)
    return [r for r in runs if (r["task"], r["start"], r["method"]) == wanted]


def _losses(runs: list[dict[str, object]], task: str, start: str, method: str) -> list[float]:
    return sorted(float(str(r["loss"])) for r in _of(runs, task, start, method))


def _median(runs: list[dict[str, object]], task: str, start: str, method: str) -> float:
    return statistics.median(_losses(runs, task, start, method) or [float("nan")])


if __name__ == "__main__":
    sys.exit(main())
