"""Variants of the default rule over tasks, starts and seeds, in a simulation in one process.

A regret of 0 is the best of a grid of five learning rates with warm-up and cooldown, and 1 is the
mean of the same training with a learning rate that is ten times too low and too high.
`--quick`: two seeds of one task from one start, and short runs.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence

import attrs
import torch
from _plain import STARTS, Start
from _report import PACKAGES, Bar, bar, report, show_progress
from _stacked import loss_of_clan, loss_of_plain
from _tasks import TASKS, Task

from clantune_strategies import Recipe, cautious, factorial

GRID = (0.1, 0.3, 1.0, 3.0, 10.0)
USUAL = "factorial()"
VARIANTS: Mapping[str, Callable[[], Recipe]] = {
    USUAL: factorial,
    "evolve=False": lambda: factorial(evolve=False),
    "hold_decay": lambda: factorial(hold_decay=True),
    "bias_correction": lambda: factorial(bias_correction=True),
    "both": lambda: factorial(hold_decay=True, bias_correction=True),
    "both, lr frozen in warm-up": lambda: factorial(
        hold_decay=True, bias_correction=True, freeze_lr_until=0.1
    ),
    "go back": lambda: factorial(go_back_until=0.5),
    "first_lr=0.33": lambda: factorial(first_lr=0.33),
    "cautious()": cautious,
    "both, frozen in warm-up and cooldown": lambda: factorial(
        hold_decay=True, bias_correction=True, freeze_lr_until=0.1, freeze_lr_in_cooldown=True
    ),
}
STACKABLE = ("regression", "digits", "letters", "windows")
"""Tasks whose models can be stacked: no recurrent layer, no BatchNorm."""


@attrs.frozen
class Plan:
    """What is run: which tasks from which starts, by which variants, how often, and how long.

    Attributes:
        tasks: Names of tasks.
        starts: Names of starts.
        variants: Names of variants.
        seeds: Number of runs of each.
        steps: Steps of a run; by default those of the task.
        members: Number of members.
        times: How many times as long a run is.
    """

    tasks: Sequence[str] = STACKABLE
    starts: Sequence[str] = tuple(STARTS)
    variants: Sequence[str] = tuple(VARIANTS)
    seeds: int = 4
    steps: int | None = None
    members: int = 4
    times: int = 1


QUICK = Plan(("digits",), ("several",), (USUAL, "both"), 2, 40)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short runs of each")
    parser.add_argument("--task", choices=STACKABLE, help="this one only")
    parser.add_argument("--start", choices=[*STARTS], help="this one only")
    parser.add_argument(
        "--variant", choices=[*VARIANTS], help="this one only, beside the usual one"
    )
    parser.add_argument("--seeds", type=int, default=Plan().seeds, help="default: %(default)s")
    parser.add_argument("--members", type=int, default=Plan().members, help="default: %(default)s")
    parser.add_argument("--times", type=int, default=1, help="how many times as long a run is")
    given = parser.parse_args()
    if given.times < 1:
        parser.error("--times is a whole number from 1 on")
    if given.seeds < 2:
        parser.error("an error of the mean needs two seeds or more")
    plan = Plan(
        (given.task,) if given.task else STACKABLE,
        (given.start,) if given.start else tuple(STARTS),
        tuple(dict.fromkeys((USUAL, given.variant))) if given.variant else tuple(VARIANTS),
        given.seeds,
        members=given.members,
        times=given.times,
    )
    torch.set_num_threads(1)
    return compared(QUICK if given.quick else plan)


def compared(plan: Plan) -> int:
    """Run everything, and print the regrets of each variant, and its loss beside the usual one."""
    rows: list[tuple[object, ...]] = [
        ("task", "start", "variant", "loss", "regret", "- usual", "±")
    ]
    figures: dict[str, object] = {}
    bars: list[Bar] = []
    for place, name in enumerate(plan.tasks):
        show_progress(place, len(plan.tasks), name)
        task = TASKS[name]()
        steps = plan.times * (plan.steps or task.steps)
        grid = {times: plain_losses(task, Start(times), plan, steps) for times in GRID}
        best = min(map(statistics.fmean, grid.values()))
        worst = statistics.fmean([*grid[GRID[0]], *grid[GRID[-1]]])
        figures[name] = {"grid": {f"{times:g}": losses for times, losses in grid.items()}}
        for start in plan.starts:
            plain = plain_losses(task, STARTS[start], plan, steps)
            losses = {"DDP, warm-up, cooldown": plain} | {
                variant: [
                    loss_of_clan(task, STARTS[start], recipe(), seed, steps, plan.members)
                    for seed in range(plan.seeds)
                ]
                for variant, recipe in VARIANTS.items()
                if variant in plan.variants
            }
            for variant, found in losses.items():
                mean = statistics.fmean(found)
                regret = (mean - best) / (worst - best)
                difference, error = beside(found, losses[USUAL], worst - best)
                rows.append((name, start, variant, mean, regret, difference, error))
                if variant in plan.variants and variant != USUAL:
                    title = f"{name}, {start}: {variant} not worse than usual"
                    bars.append(bar(title, difference, 2.0 * error))
            figures[f"{name}, {start}"] = losses
    show_progress(len(plan.tasks), len(plan.tasks), "done")
    longer = f", runs {plan.times} times as long" if plan.times > 1 else ""
    title = f"Variants of the default rule, {plan.members} members, {plan.seeds} seeds{longer}"
    return report(title, rows, figures, bars, (*PACKAGES, "clantune", "torch"))


def plain_losses(task: Task, start: Start, plan: Plan, steps: int) -> list[float]:
    """Return the losses of plain training, one per seed."""
    return [loss_of_plain(task, start, seed, steps, plan.members) for seed in range(plan.seeds)]


def beside(found: Sequence[float], usual: Sequence[float], unit: float) -> tuple[float, float]:
    """Return the mean difference in regret of runs with the same seeds, and its standard error."""
    pairs = [(a - b) / unit for a, b in zip(found, usual, strict=True)]
    return statistics.fmean(pairs), statistics.stdev(pairs) / math.sqrt(len(pairs))


if __name__ == "__main__":
    sys.exit(main())
