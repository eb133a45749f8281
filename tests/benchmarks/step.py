"""A step of a member beside the same loop on bare DistributedDataParallel. `--quick`: a glance.

Everybody does the same work on the same data, in turns: a block of steps each, then the next. A
ratio is taken within one turn, so that what slows the machine down slows both.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, cast

import attrs
import torch
import torch.distributed as dist
from _ranks import answer_of_ranks
from _report import PACKAGES, Bar, bar, report, show_progress
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from clantune_autobind import adamw
from clantune_clan import Communication, Individual, build_state
from clantune_core import Genome

SIZES = {"0.1 M": (220, 2), "0.4 M in 204 tensors": (64, 100), "5 M": (1280, 3)}
"""Width and depth of a network, by about how many parameters it has."""

RANKS = (2, 4)
PHASES = {"cooperative": 0.0, "competitive": 1.0}
FORMS = ("eager", "compiled")
CASES = [
    (size, form, phase)
    for size in SIZES
    for form in FORMS
    for phase in PHASES
    if form == "eager" or size != "0.1 M"
]
ROUND = 1000
BATCH = 32
PARTS = ("forward", "backward", "optimizer", "member.step()")
BARE = "bare DDP"
CONTENDERS = (BARE, "member, exact", "member, ddp")


@attrs.frozen
class Plan:
    """How much is measured of one size: turns, and steps in each."""

    turns: int
    steps: int


FULL = {"0.1 M": Plan(95, 10), "0.4 M in 204 tensors": Plan(40, 6), "5 M": Plan(24, 4)}
QUICK = {"0.1 M": Plan(2, 2), "0.4 M in 204 tensors": Plan(1, 1), "5 M": Plan(1, 1)}


@attrs.define
class Contender:
    """A training loop, and how long its parts have taken so far."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    around: Callable[[], contextlib.AbstractContextManager[None]]
    step: Callable[[], None]
    seconds: dict[str, float] = attrs.field(factory=lambda: dict.fromkeys(PARTS, 0.0))

    def train(self, x: Tensor, y: Tensor, steps: int) -> None:
        """Take a number of steps."""
        for _ in range(steps):
            marks = [time.perf_counter()]
            with self.around():
                loss = nn.functional.cross_entropy(self.model(x), y)
                marks.append(time.perf_counter())
                loss.backward()
            marks.append(time.perf_counter())
            self.optimizer.step()
            self.optimizer.zero_grad()
            marks.append(time.perf_counter())
            self.step()
            marks.append(time.perf_counter())
            for part, begin, end in zip(PARTS, marks, marks[1:], strict=False):
                self.seconds[part] += end - begin


def network(width: int, depth: int) -> nn.Module:
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Linear(64, width), nn.ReLU()]
    for _ in range(depth):
        layers += [nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def unwrapped(width: int, depth: int, form: str) -> nn.Module:
    model = network(width, depth)
    return cast(nn.Module, torch.compile(model)) if form == "compiled" else model


def wrapped(width: int, depth: int, form: str) -> DistributedDataParallel:
    model = unwrapped(width, depth, form)
    return DistributedDataParallel(model, forward_sync_buffers=False, gradient_as_bucket_view=True)


def bare(width: int, depth: int, form: str, phase: str) -> Contender:
    """What a script does without a clan: gradients averaged, or left alone by `no_sync`."""
    model = wrapped(width, depth, form)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    around = contextlib.nullcontext if phase == "cooperative" else model.no_sync
    return Contender(model, optimizer, around, lambda: None)


def member(
    width: int, depth: int, form: str, phase: str, reduction: Literal["exact", "ddp"]
) -> Contender:
    model = (wrapped if reduction == "ddp" else unwrapped)(width, depth, form)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    channel = Communication()
    genome = Genome(adamw(model, optimizer))
    state = build_state(genome, model, optimizer, channel, reduction=reduction)
    individual = Individual(state, channel, ROUND, PHASES[phase])
    return Contender(individual.model, optimizer, individual.sync_context, individual.step)


def measure(size: str, form: str, phase: str, plan: Plan) -> dict[str, object]:
    """Let all contenders train in turns; return, by name, milliseconds a step and parts."""
    width, depth = SIZES[size]
    contenders = {
        BARE: bare(width, depth, form, phase),
        "member, exact": member(width, depth, form, phase, "exact"),
        "member, ddp": member(width, depth, form, phase, "ddp"),
    }
    x, y = torch.randn(BATCH, 64), torch.randint(0, 10, (BATCH,))
    turns: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(-1, plan.turns):  # the first one warms up
        for name in _in_turn(turn):
            contender = contenders[name]
            if turn == 0:
                contender.seconds = dict.fromkeys(PARTS, 0.0)
            dist.barrier()
            begin = time.perf_counter()
            contender.train(x, y, plan.steps)
            dist.barrier()
            if turn >= 0:
                turns[name].append(1e3 * (time.perf_counter() - begin) / plan.steps)
    steps = plan.turns * plan.steps
    return {
        name: {
            "ms": turns[name],
            "parts": {part: 1e3 * s / steps for part, s in contenders[name].seconds.items()},
        }
        for name in contenders
    }


def _in_turn(turn: int) -> Iterator[str]:
    """Return the contenders in another order each turn: to come after somebody may matter."""
    for place in range(len(CONTENDERS)):
        yield CONTENDERS[(turn + place) % len(CONTENDERS)]


def as_a_rank(plans: Mapping[str, Plan]) -> None:
    """Measure every size in both phases, one after the other: ranks take long to start."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    gc.disable()  # a collection in one rank would be waited for by all
    measured = {}
    cases = [case for case in CASES if plans is FULL or case[1] == "eager"]  # compiling takes long
    for done, (size, form, phase) in enumerate(cases):
        if dist.get_rank() == 0:
            what = f"{size} parameters, {form}, {dist.get_world_size()} ranks, {phase}"
            show_progress(done, len(cases), what)
        measured[f"{size}, {form}, {phase}"] = measure(size, form, phase, plans[size])
        gc.collect()
    if dist.get_rank() == 0:
        show_progress(len(cases), len(cases), "done")
        print(json.dumps(measured))
    dist.destroy_process_group()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few steps, on two ranks")
    parser.add_argument("--rank", choices=["full", "quick"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank and "RANK" in os.environ:
        as_a_rank(QUICK if arguments.rank == "quick" else FULL)
        return 0
    plan, counts = ("quick", RANKS[:1]) if arguments.quick else ("full", RANKS)
    measured = {ranks: answer_of_ranks(__file__, ranks, "--rank", plan) for ranks in counts}
    rows: list[tuple[object, ...]] = [
        ("parameters", "form", "ranks", "phase", "loop", "ms", "ratio", "quartiles", *PARTS)
    ]
    figures, bars = {}, []
    for case in measured[counts[0]]:
        size, form, phase = case.split(", ")
        for ranks, name in itertools.product(counts, CONTENDERS):
            what = f"{size}, {form}, {ranks} ranks, {phase}, {name}"
            row, figure, made = _judge(measured[ranks][case], name, what)
            rows.append((size, form, ranks, phase, name, *row))
            figures[what] = figure
            bars += made
    title = "A step of a member beside bare DistributedDataParallel"
    return report(title, rows, figures, bars, (*PACKAGES, "clantune-clan", "torch"))


def _judge(
    measured: dict[str, dict[str, list[float]]], name: str, what: str
) -> tuple[tuple[object, ...], dict[str, object], list[Bar]]:
    times, parts = measured[name]["ms"], measured[name]["parts"]
    pairs = zip(times, measured[BARE]["ms"], strict=True)
    ratios = sorted(mine / theirs for mine, theirs in pairs)
    median = statistics.median(ratios)
    low, high = ratios[len(ratios) // 4], ratios[(3 * len(ratios)) // 4]
    shown = [f"{parts[part]:.2f}" for part in PARTS]  # type: ignore[call-overload]
    row = (statistics.median(times), f"{median:.3f}", f"{low:.3f} {high:.3f}", *shown)
    figure = {"ms": statistics.median(times), "ratio": [low, median, high], "parts": parts}
    return row, figure, [] if name == BARE else [bar(what, median, 1.02)]


if __name__ == "__main__":
    sys.exit(main())
