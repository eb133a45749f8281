"""Which genes are worth tuning besides lr and weight decay, in clans of four real ranks.

All models have dropout of 0.2 after each hidden layer, fixed unless it is a gene. The ranks draw
the same masks. A figure is the loss on test data, as a percentage of that of a clan that tunes lr
and weight decay, over runs with the same seeds. `--quick`: two ranks, two seeds of one case, and
short runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import torch
import torch.distributed as dist
from _in_a_clan import Genes, trained_in_a_clan
from _plain import STARTS, Start
from _ranks import answer_of_ranks
from _report import PACKAGES, Bar, bar, report, show_progress
from _tasks import TASKS, Task
from torch import nn

from clantune import cautious

RANKS = 4
ACTIVATIONS = (nn.ReLU, nn.Tanh)
USUAL = "lr, weight decay"
EVOLVES = {"can_mutate": True, "can_crossbreed": True}


def layer_by_layer(model: nn.Module, task: Task, start: Start) -> torch.optim.Optimizer:
    """Return an optimizer with a param group for each layer."""
    layers = [[*layer.parameters()] for layer in model.children()]
    return torch.optim.AdamW(
        [{"params": parameters} for parameters in layers if parameters],
        lr=task.lr * start.times,
        weight_decay=start.weight_decay,
        betas=(0.9, start.beta2),
    )


SETS: Mapping[str, Genes] = {
    USUAL: Genes(),
    "lr alone": Genes(("adamw(exclude=('weight_decay',))",)),
    "and beta1": Genes(config={"betas/0": EVOLVES}),
    "and beta2": Genes(config={"betas/1": EVOLVES}),
    "and dropout": Genes(("adamw", "dropout")),
    "and dropout of each layer": Genes(("adamw", "dropout(per_module=True)")),
    "both of each layer": Genes(("adamw(per_group=True)",), make_optimizer=layer_by_layer),
}


@attrs.frozen
class Plan:
    """What is run: which tasks from which starts, with which genes, how often, and how long."""

    tasks: Sequence[str] = ("digits", "regression", "windows")
    starts: Sequence[str] = tuple(STARTS)
    sets: Sequence[str] = tuple(SETS)
    seeds: int = 5
    steps: int | None = None


QUICK = Plan(("digits",), ("several",), (USUAL, "and beta2"), 2, 40)


def with_dropout(model: nn.Module) -> nn.Module:
    """Return the layers with dropout after each activation."""
    layers: list[nn.Module] = []
    for layer in model.children():
        layers += [layer, nn.Dropout(0.2)] if isinstance(layer, ACTIVATIONS) else [layer]
    return nn.Sequential(*layers)


def task_of(name: str) -> Task:
    """Return a task whose model has dropout."""
    task = TASKS[name]()
    return attrs.evolve(task, make_model=lambda: with_dropout(task.make_model()))


def as_a_rank(plan: Plan) -> None:
    """Train in every case, as one of several ranks."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    cases = [
        (t, s, g, seed)
        for t in plan.tasks
        for s in plan.starts
        for g in plan.sets
        for seed in range(plan.seeds)
    ]
    losses: dict[str, dict[str, list[float]]] = {}
    for done, (name, start, genes, seed) in enumerate(cases):
        if dist.get_rank() == 0:
            show_progress(done, len(cases), f"{name}, {start}, {genes}")
        task = task_of(name)
        torch.manual_seed(seed)
        loss = trained_in_a_clan(
            task, STARTS[start], cautious(), seed, plan.steps or task.steps, genes=SETS[genes]
        )
        losses.setdefault(f"{name}, {start}", {}).setdefault(genes, []).append(loss)
    if dist.get_rank() == 0:
        show_progress(len(cases), len(cases), "done")
        print(json.dumps(losses))
    dist.destroy_process_group()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two seeds of one case, short runs")
    parser.add_argument("--task", choices=Plan().tasks, help="this one only")
    parser.add_argument("--start", choices=[*STARTS], help="this one only")
    parser.add_argument("--seeds", type=int, default=Plan().seeds, help="default: %(default)s")
    parser.add_argument("--rank", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.rank and "RANK" in os.environ:
        as_a_rank(Plan(*json.loads(given.rank)))
        return 0
    if given.seeds < 2:
        parser.error("an error of the mean needs two seeds or more")
    plan = Plan(
        (given.task,) if given.task else Plan().tasks,
        (given.start,) if given.start else Plan().starts,
        seeds=given.seeds,
    )
    plan, ranks = (QUICK, 2) if given.quick else (plan, RANKS)
    losses = answer_of_ranks(__file__, ranks, "--rank", json.dumps(attrs.astuple(plan)))
    return compared(losses, ranks)


def compared(losses: Mapping[str, Mapping[str, Sequence[float]]], ranks: int) -> int:
    """Print the losses with each set of genes, beside the usual one."""
    rows: list[tuple[object, ...]] = [("task, start", "genes", "loss", "% of usual", "±")]
    bars: list[Bar] = []
    figures: dict[str, Any] = {}
    for case, by_genes in losses.items():
        for genes, found in by_genes.items():
            percent = [100.0 * a / b for a, b in zip(found, by_genes[USUAL], strict=True)]
            mean, error = statistics.fmean(percent), statistics.stdev(percent) / len(found) ** 0.5
            rows.append((case, genes, statistics.fmean(found), f"{mean:.1f}", f"{error:.1f}"))
            if genes != USUAL:
                bars.append(bar(f"{case}: {genes}, not worse", mean, 100.0 + 2.0 * error))
        figures[case] = by_genes
    title = f"More genes, on {ranks} ranks"
    return report(title, rows, figures, bars, (*PACKAGES, "clantune", "torch"))


if __name__ == "__main__":
    sys.exit(main())
