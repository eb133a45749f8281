"""A replayed schedule beside the clan that has found it: the same loss, within the noise of seeds?

Four ranks, started once. For each seed a clan starts with several wrong settings and exports its
schedule, and plain data-parallel training replays it, with other first weights and other batches.
The default recipe exports the genes of its centre. A recipe that copies weights exports the genes
of a lineage: of the members that the best weights come from. Each line of the table is the loss on
data that nobody saw before the end. `--quick`: two ranks, two seeds of one task, and a short run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import attrs
import torch
import torch.distributed as dist
from _plain import COOLDOWN, STARTS, WARMUP, Plain, optimizer_of, train, trained_plainly
from _ranks import answer_of_ranks
from _report import PACKAGES, Bar, bar, report, show_progress
from _tasks import TASKS, Task

from clantune import Clan, ReplaySchedule

RANKS, SEEDS = 4, 8
CENTRE, LINEAGE = "factorial", "pbt"
"""The default recipe, and one whose schedule is that of a lineage."""

OTHER_SEEDS = 1000
"""What is added to the seed of a clan for the training that replays its schedule."""


def loss_of_a_clan(recipe: str, task: Task, seed: int, steps: int, folder: Path) -> float:
    model = task.make_model()
    clan = Clan(
        model=model,
        optimizer=optimizer_of(model, task, STARTS["several"]),
        strategies=recipe,
        total_steps=steps,
        autobind=["adamw"],
        warmup=WARMUP,
        cooldown=COOLDOWN,
        seed=seed,
        timeout=60.0,
    )
    data = torch.utils.data.TensorDataset(*task.train)
    loader = clan.loader(data, task.batch_size, num_workers=0)
    for member in clan.rounds():
        for x, y in member.batches(loader):
            task.loss(member.model(x), y).backward()
            member.optimizer.step()
            member.optimizer.zero_grad()
        clan.step(lambda model: task.loss_on(model, task.judged))
    clan.export_schedule(folder / f"{recipe}.json")
    dist.barrier()  # rank 0 has written it
    return task.loss_on(clan.best(), task.test)


def loss_of_a_replay(recipe: str, task: Task, seed: int, steps: int, folder: Path) -> float:
    model = task.make_model()
    optimizer = torch.optim.AdamW(model.parameters())  # the schedule sets all that matters
    replay = ReplaySchedule(optimizer, folder / f"{recipe}.json")
    train(task, model, optimizer, seed, steps, replay.step)
    return task.loss_on(model, task.test)


def loss_of_plain(task: Task, seed: int, steps: int, _: Path) -> float:
    return trained_plainly(task, STARTS["several"], Plain(is_paced=True), seed, steps)


METHODS: dict[str, Callable[[Task, int, int, Path], float]] = {
    "clan": partial(loss_of_a_clan, CENTRE),
    "its schedule, replayed": partial(loss_of_a_replay, CENTRE),
    f"clan of {LINEAGE}": partial(loss_of_a_clan, LINEAGE),
    "its lineage, replayed": partial(loss_of_a_replay, LINEAGE),
    "plain, the same start": loss_of_plain,
}
PAIRS = {
    "replayed - clan": ("clan", "its schedule, replayed"),
    f"replayed - clan of {LINEAGE}": (f"clan of {LINEAGE}", "its lineage, replayed"),
}
"""The clan and the replay of its schedule, by the difference that a bar limits."""


@attrs.frozen
class Plan:
    """Which tasks are trained, with how many seeds, and how long."""

    tasks: tuple[str, ...] = ("regression", "digits")
    seeds: int = SEEDS
    steps: int | None = None


def as_a_rank(plan: Plan, folder: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    losses: dict[str, dict[str, list[float]]] = {}
    for place, name in enumerate(plan.tasks):
        task, found = TASKS[name](), losses.setdefault(name, {each: [] for each in METHODS})
        steps = plan.steps or task.steps
        for seed in range(plan.seeds):
            for method, loss_of in METHODS.items():
                own = seed if method.startswith("clan") else OTHER_SEEDS + seed
                torch.manual_seed(own)
                found[method].append(loss_of(task, own, steps, folder))
            if dist.get_rank() == 0:
                show_progress(place * plan.seeds + seed + 1, len(plan.tasks) * plan.seeds, name)
    if dist.get_rank() == 0:
        print(json.dumps(losses))
    dist.destroy_process_group()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two seeds of one task, short runs")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="default: %(default)s")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, help="default: two of them")
    parser.add_argument("--rank", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank and "RANK" in os.environ:
        plan, folder = json.loads(arguments.rank)
        as_a_rank(Plan(*plan), Path(folder))
        return 0
    plan, ranks = Plan(seeds=arguments.seeds), RANKS
    if arguments.tasks:
        plan = attrs.evolve(plan, tasks=tuple(arguments.tasks))
    if arguments.quick:
        plan, ranks = Plan(("digits",), 2, 40), 2
    with tempfile.TemporaryDirectory() as folder:
        told = json.dumps([attrs.astuple(plan), folder])
        losses = answer_of_ranks(__file__, ranks, "--rank", told)
    return _report(losses, ranks)


def _report(losses: dict[str, dict[str, list[float]]], ranks: int) -> int:
    rows: list[Sequence[object]] = [("task", "training", "mean loss", "deviation of seeds", "runs")]
    bars: list[Bar] = []
    for task, found in losses.items():
        for method in METHODS:
            values = found[method]
            deviation = statistics.stdev(values)
            rows.append((task, method, statistics.fmean(values), deviation, len(values)))
        for name, pair in PAIRS.items():
            clan, replayed = (found[method] for method in pair)
            noise = statistics.fmean(map(statistics.variance, (clan, replayed))) ** 0.5
            difference = statistics.fmean(replayed) - statistics.fmean(clan)
            bars.append(bar(f"{task}: {name}, in deviations", difference / noise, 1.0))
    title = f"A replayed schedule beside its clan, on {ranks} ranks"
    return report(title, rows, losses, bars, (*PACKAGES, "clantune", "torch"))


if __name__ == "__main__":
    sys.exit(main())
