"""Inheritance beside the bare collective that moves the same bytes. `--quick`: a glance.

Both take turns in the same processes, and a ratio is taken within one turn. What travels is all
that a member has: weights, two moments, step counters and the running average of the weights.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable

import attrs
import torch
import torch.distributed as dist
from _ranks import answer_of_ranks
from _report import PACKAGES, Bar, bar, report, show_progress
from torch import Tensor, nn

from clantune_clan import Communication, State, WeightAverage
from clantune_clan.inheritance import Inheritance, Plan
from clantune_core import Genome

SIZES = {"1 M": (700, 2), "25 M": (2500, 4), "100 M": (5000, 4)}
"""Width and depth of a network, by about how many parameters it has."""

RANKS = {"1 M": (2, 4), "25 M": (2, 4), "100 M": (4,)}
KINDS = ("one to all", "a swap", "mean")
PARTS = ("forms", "transfer", "takeover", "checks")
LIMIT = 1.5
TURNS = {"1 M": 40, "25 M": 9, "100 M": 3}


@attrs.frozen
class Turns:
    """Milliseconds of each turn, and what the inheritance was made of."""

    ours: list[float]
    bare: list[float]
    parts: dict[str, float]
    moved: float


def member(width: int, depth: int) -> State:
    """A member after a step of Adam; each rank's is another."""
    torch.manual_seed(dist.get_rank())
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(width, width), nn.ReLU()]
    model = nn.Sequential(*layers)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    model(torch.randn(2, width)).square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()
    return State(Genome(), model, optimizer, average=WeightAverage(model))


def plan(kind: str, ranks: int) -> Plan:
    if kind == "one to all":
        return Plan(({0: 1.0},) * ranks)
    if kind == "a swap":
        return Plan(({1: 1.0}, {0: 1.0}, *({rank: 1.0} for rank in range(2, ranks))))
    return Plan((dict.fromkeys(range(ranks), 1.0 / ranks),) * ranks)


def bare(kind: str, tensor: Tensor, pair: dist.ProcessGroup | None) -> Callable[[], None]:
    """What moves the same bytes, and does nothing else."""

    def one_to_all() -> None:
        dist.broadcast(tensor, 0)

    def swap() -> None:
        if dist.get_rank() < 2:
            for source in (0, 1):
                dist.broadcast(tensor, source, group=pair)

    def mean() -> None:
        dist.all_reduce(tensor)

    return {"one to all": one_to_all, "a swap": swap, "mean": mean}[kind]


def measure(size: str, turns: int) -> dict[str, Turns]:
    """Let every inheritance and its bare collective take turns; return what was found by kind."""
    state, channel = member(*SIZES[size]), Communication()
    ours = Inheritance(state, channel)
    total = ours.apply(plan("mean", channel.world_size)).bytes_moved
    pair = dist.new_group([0, 1])
    # Written to, so that it is really in memory; small, so that sums of sums stay finite.
    tensor = torch.full((total // 4,), 1e-30)
    found = {}
    for kind in KINDS:
        wanted, theirs = plan(kind, channel.world_size), bare(kind, tensor, pair)
        found[kind] = Turns([], [], dict.fromkeys(PARTS, 0.0), total)
        for turn in range(-1, turns):  # the first one warms up
            for contender in ("ours", "bare") if turn % 2 else ("bare", "ours"):
                dist.barrier()
                began = time.perf_counter()
                if contender == "bare":
                    theirs()
                else:
                    done = ours.apply(wanted)
                dist.barrier()
                if turn >= 0:
                    getattr(found[kind], contender).append(1e3 * (time.perf_counter() - began))
            for part, seconds in done.seconds.items() if turn >= 0 else ():
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
        told = {kind: attrs.asdict(each) for kind, each in found.items()}
        for kind in KINDS:  # rank 1 receives under every plan: its parts are shown
            told[kind]["parts"] = everyone[1][kind]
        print(json.dumps(told))
    dist.destroy_process_group()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smallest only, two turns")
    parser.add_argument("--rank", nargs=2, metavar="X", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank and "RANK" in os.environ:
        size, count = arguments.rank
        as_a_rank(size, int(count))
        return 0
    cases, turns = [(size, ranks) for size in SIZES for ranks in RANKS[size]], TURNS
    if arguments.quick:
        cases, turns = cases[:1], dict.fromkeys(SIZES, 2)
    rows: list[tuple[object, ...]] = [
        ("parameters", "ranks", "inheritance", "MB", "bare ms", "ms", "ratio", "quartiles", *PARTS)
    ]
    figures, bars = {}, []
    for done, (size, ranks) in enumerate(cases):
        show_progress(done, len(cases), f"{size} parameters, {ranks} ranks")
        told = answer_of_ranks(__file__, ranks, "--rank", size, str(turns[size]))
        for kind in KINDS:
            name = f"{size}, {ranks} ranks, {kind}"
            row, figures[name], made = _judge(Turns(**told[kind]), name)
            rows.append((size, ranks, kind, *row))
            bars.append(made)
    show_progress(len(cases), len(cases), "done")
    title = "Inheritance beside a bare broadcast, and beside a bare all-reduce for the mean"
    return report(title, rows, figures, bars, (*PACKAGES, "clantune-clan", "torch"))


def _judge(found: Turns, name: str) -> tuple[tuple[object, ...], dict[str, object], Bar]:
    ratios = sorted(ours / bare for ours, bare in zip(found.ours, found.bare, strict=True))
    median = statistics.median(ratios)
    low, high = ratios[len(ratios) // 4], ratios[(3 * len(ratios)) // 4]
    ours, theirs = statistics.median(found.ours), statistics.median(found.bare)
    shown = [f"{found.parts[part]:.1f}" for part in PARTS]
    row = (
        round(found.moved / 1e6),
        f"{theirs:.1f}",
        f"{ours:.1f}",
        f"{median:.2f}",
        f"{low:.2f} {high:.2f}",
        *shown,
    )
    figure = {
        "bytes": found.moved,
        "bare ms": theirs,
        "ms": ours,
        "ratio": [low, median, high],
        "parts": found.parts,
    }
    return row, figure, bar(name, median, LIMIT)


if __name__ == "__main__":
    sys.exit(main())
