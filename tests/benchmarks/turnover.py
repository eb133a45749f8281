"""Inheritance beside a raw collective of the same bytes, a file, and a round. `--quick`: a glance.

Inheritance, the collective, a file and a training step take turns in the same processes, and a
ratio is taken within one turn. Children inherit all that a member has: weights, two moments, step
counters and the running average of the weights. A step is one of bare DDP with Adam and a small
batch. Other tools let a parent write a checkpoint and its children read it: this is the file, on
the disk of temporary files, written by torch.save and read by torch.load.
"""

from __future__ import annotations

import argparse
import functools
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import attrs
import torch
import torch.distributed as dist
from _ranks import answer_of_ranks
from _report import PACKAGES, bar, report, show_progress
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from clantune_clan import Communication, TrainingState, WeightAverage
from clantune_clan.inheritance import Inheritance, Plan, Report
from clantune_clan.reduction import make_gradients
from clantune_core import Genome

SIZES = {"1 M": (700, 2), "25 M": (2500, 4), "100 M": (5000, 4)}
"""Width and depth of a network, by about how many parameters it has."""

RANKS = (2, 4)
COPIES = ("one to all", "a swap")
KINDS = (*COPIES, "mean")
PARTS = ("forms", "transfer", "takeover", "checks")
TURNS = {"1 M": 40, "25 M": 9, "100 M": 3}
BATCH = 16
STEPS = 500
"""Steps of the round whose share an inheritance takes."""

RATIO = 2.5
SHARE = 0.5
JUDGED = ("25 M", "100 M")
"""The sizes that have bars: in smaller models the meetings of the ranks count most."""


@attrs.frozen
class Turns:
    """Milliseconds of each turn, and what the inheritance was made of."""

    ours: list[float]
    bare: list[float]
    file: list[float]
    step: list[float]
    parts: dict[str, float]
    moved: float


def member(
    width: int, depth: int, channel: Communication
) -> tuple[TrainingState, Callable[[], None]]:
    """Return a member after a step of Adam, and what takes another one, under DDP."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(width, width), nn.ReLU()]
    model = nn.Sequential(*layers)
    ddp = DistributedDataParallel(model, forward_sync_buffers=False, gradient_as_bucket_view=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    batch = torch.randn(BATCH, width)

    def step() -> None:
        ddp(batch).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    step()
    gradients = make_gradients(model, [optimizer], channel, "exact")
    gradients.close()  # the step is that of the wrapper
    average = WeightAverage(model)
    return TrainingState(Genome(), model, optimizer, gradients=gradients, average=average), step


def plan(kind: str, ranks: int) -> Plan:
    if kind == "one to all":
        return Plan(({0: 1.0},) * ranks)
    if kind == "a swap":
        return Plan(({1: 1.0}, {0: 1.0}, *({rank: 1.0} for rank in range(2, ranks))))
    return Plan((dict.fromkeys(range(ranks), 1.0 / ranks),) * ranks)


def bare(kind: str, tensor: Tensor, pair: dist.ProcessGroup | None) -> Callable[[], None]:
    """Return what moves the same bytes, and does nothing else."""

    def one_to_all() -> None:
        dist.broadcast(tensor, 0)

    def swap() -> None:
        if dist.get_rank() < 2:
            for source in (0, 1):
                dist.broadcast(tensor, source, group=pair)

    def mean() -> None:
        dist.all_reduce(tensor)

    return {"one to all": one_to_all, "a swap": swap, "mean": mean}[kind]


def by_file(kind: str, state: TrainingState) -> Callable[[], None]:
    """Return what hands on the model and the optimizer by files: a parent writes, a child reads."""
    me = dist.get_rank()
    parent = {"one to all": 0, "a swap": (1, 0, *range(2, dist.get_world_size()))[me]}[kind]
    parents = {"one to all": (0,), "a swap": (0, 1)}[kind]
    path = f"{gettempdir()}/clantune-turnover-{os.getppid()}-{{}}.pt"

    def hand_on() -> None:
        if me in parents:
            torch.save((state.model.state_dict(), state.optimizer.state_dict()), path.format(me))
        dist.barrier()
        if parent != me:
            weights, moments = torch.load(path.format(parent))
            state.model.load_state_dict(weights)
            state.optimizer.load_state_dict(moments)
        dist.barrier()
        if me in parents:
            Path(path.format(me)).unlink()

    return hand_on


def measure(size: str, turns: int) -> dict[str, Turns]:
    """Let every inheritance, its bare collective and a step take turns; return figures by kind."""
    channel = Communication()
    state, step = member(*SIZES[size], channel)
    inheritance = Inheritance(state, channel)

    def ours(wanted: Plan) -> Report:
        digests = channel.together("preparing", inheritance.prepare)
        return inheritance.apply(wanted, digests)[0]

    total = ours(plan("mean", channel.num_members)).bytes_moved
    pair = dist.new_group([0, 1])
    # Written to, so that it is really in memory; small, so that sums of sums stay finite.
    tensor = torch.full((total // 4,), 1e-30)
    found = {}
    for kind in KINDS:
        wanted = plan(kind, channel.num_members)
        contenders: dict[str, Callable[[], Any]] = {
            "ours": functools.partial(ours, wanted),
            "bare": bare(kind, tensor, pair),
            **({"file": by_file(kind, state)} if kind in COPIES else {}),
            "step": step,
        }
        found[kind] = Turns([], [], [], [], dict.fromkeys(PARTS, 0.0), total)
        for turn in range(-1, turns):  # the first one warms up
            for name in contenders if turn % 2 else reversed(contenders):
                dist.barrier()
                began = time.perf_counter()
                done = contenders[name]()
                dist.barrier()
                if turn < 0:
                    continue
                getattr(found[kind], name).append(1e3 * (time.perf_counter() - began))
                if name == "ours":
                    for part, seconds in done.seconds.items():
                        found[kind].parts[part] += 1e3 * seconds / turns
    return found


def as_a_rank(size: str, turns: int) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    gc.disable()  # a collection in one rank would be waited for by all
    found = measure(size, turns)
    everyone: list[dict[str, dict[str, float]]] = [{} for _ in range(dist.get_world_size())]
    dist.all_gather_object(everyone, {kind: each.parts for kind, each in found.items()})
    if dist.get_rank() == 0:
        answer = {kind: attrs.asdict(each) for kind, each in found.items()}
        for kind in KINDS:  # rank 1 receives under every plan: its parts are shown
            answer[kind]["parts"] = everyone[1][kind]
        print(json.dumps(answer))
    dist.destroy_process_group()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smallest only, two turns")
    parser.add_argument("--size", choices=[*SIZES], help="this one only")
    parser.add_argument("--rank", nargs=2, metavar="X", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank and "RANK" in os.environ:
        size, count = arguments.rank
        as_a_rank(size, int(count))
        return 0
    sizes = (arguments.size,) if arguments.size else tuple(SIZES)
    cases, turns = [(size, ranks) for size in sizes for ranks in RANKS], TURNS
    if arguments.quick:
        cases, turns = cases[:1], dict.fromkeys(SIZES, 2)
    columns = (
        "MB",
        "bare ms",
        "file ms",
        "ms",
        "ratio",
        "quartiles",
        "step ms",
        "% of a round",
        *PARTS,
    )
    rows: list[tuple[object, ...]] = [("parameters", "ranks", "inheritance", *columns)]
    figures, bars = {}, []
    for done, (size, ranks) in enumerate(cases):
        show_progress(done, len(cases), f"{size} parameters, {ranks} ranks")
        answer = answer_of_ranks(__file__, ranks, "--rank", size, str(turns[size]))
        for kind in KINDS:
            name = f"{size}, {ranks} ranks, {kind}"
            row, figures[name] = _judge(Turns(**answer[kind]))
            rows.append((size, ranks, kind, *row))
            if size in JUDGED or arguments.quick:
                bars.append(bar(f"{name}: ratio", figures[name]["ratio"][1], RATIO))
                bars.append(bar(f"{name}: % of a round", figures[name]["% of a round"], SHARE))
    show_progress(len(cases), len(cases), "done")
    title = f"Inheritance beside a raw collective of the same bytes, and a round of {STEPS} steps"
    return report(title, rows, figures, bars, (*PACKAGES, "clantune-clan", "torch"))


def _judge(found: Turns) -> tuple[tuple[object, ...], dict[str, Any]]:
    ratios = sorted(ours / bare for ours, bare in zip(found.ours, found.bare, strict=True))
    ratio = statistics.median(ratios)
    low, high = ratios[len(ratios) // 4], ratios[(3 * len(ratios)) // 4]
    ours, theirs, step = map(statistics.median, (found.ours, found.bare, found.step))
    file = statistics.median(found.file) if found.file else None
    share = 100 * ours / (STEPS * step)
    row = (
        round(found.moved / 1e6),
        f"{theirs:.1f}",
        "" if file is None else f"{file:.1f}",
        f"{ours:.1f}",
        f"{ratio:.2f}",
        f"{low:.2f} {high:.2f}",
        f"{step:.1f}",
        f"{share:.3f}",
        *(f"{found.parts[part]:.1f}" for part in PARTS),
    )
    figure = {
        "bytes": found.moved,
        "bare ms": theirs,
        "file ms": file,
        "ms": ours,
        "ratio": [low, ratio, high],
        "step ms": step,
        "% of a round": share,
        "parts": found.parts,
    }
    return row, figure


if __name__ == "__main__":
    sys.exit(main())
