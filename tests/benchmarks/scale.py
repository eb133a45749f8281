"""A meeting, a step and an inheritance on 2 to 32 ranks, and what follows for more. `--quick`.

All ranks share the processors of this machine, so times grow with the number of ranks for that
reason alone. Volumes do not depend on it: those that the Linux kernel counts are compared with a
model, which then says what a round adds on other networks, beside the gradients of its steps, for
a model of 124 million parameters. It assumes rings, as gloo and NCCL use them, and one process that
answers all ranks in a meeting. Ratios are to the model, and of an end to 500 steps' gradients.
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
from pathlib import Path

import attrs
import torch
import torch.distributed as dist
from _ranks import answer_of_ranks
from _report import PACKAGES, bar, report, show_progress
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from turnover import bare, member, plan

from clantune_clan import Communication
from clantune_clan.communication.arrival import longest_pause
from clantune_clan.communication.connection import SHORT, TOGETHER
from clantune_clan.inheritance import Inheritance
from clantune_clan.reduction import make_gradients

RANKS = (2, 4, 8, 16, 32)
SIZE = (700, 2)
"""Width and depth of the network, of a million parameters."""
WORD = "x" * 2000
"""What a rank tells the others at the end of a round: with two genes, about so much."""
LONG_WORD = "x" * 10_000
"""A word of which the end goes over gloo, as those of 33 ranks or more do."""
MEETINGS = 6
"""How often the ranks of a clan meet in a round."""
BLOCK = 50
"""Meetings during which the processor time of the store's host is taken."""
STEPS = 500
"""Steps of a round whose share a clan adds."""


@attrs.frozen
class Network:
    """What connects ranks: bits per second, and seconds until a message arrives."""

    bits: float
    latency: float


NETWORKS = {
    "10 Gb/s Ethernet": Network(10e9, 50e-6),
    "100 Gb/s Ethernet": Network(100e9, 20e-6),
    "400 Gb/s InfiniBand": Network(400e9, 3e-6),
}
MANY = (8, 64, 512, 4096)
PARAMETERS = 124e6
COPIES = 4
"""Tensors of the size of the weights in an inheritance: they, two moments of Adam, an average."""


@attrs.frozen
class Measured:
    """Medians of what one call takes on so many ranks: milliseconds, and bytes of all ranks."""

    milliseconds: dict[str, float]
    bytes: dict[str, float]
    inherited: int
    """Bytes that a rank inherits."""
    host: float
    """Milliseconds of the processor that the store's host takes for each rank in a meeting."""


def sent_in_meeting(ranks: int, word: int) -> float:
    """Return the bytes that all ranks exchange when each tells the others a word."""
    short = min(word, SHORT, TOGETHER // ranks)
    over_the_store = ranks * short + ranks * ranks * short
    return over_the_store + ranks * (ranks - 1) * (word - short)


def sent_in_sum(ranks: int, size: float) -> float:
    """Return the bytes that all ranks exchange to add up tensors of a size in a ring."""
    return 2.0 * (ranks - 1) * size


def seconds_of_sum(ranks: int, size: float, network: Network) -> float:
    """Return how long it takes to add up tensors of a size in a ring."""
    steps = 2 * (ranks - 1)
    return steps * (network.latency + 8.0 * size / ranks / network.bits)


def seconds_of_meeting(ranks: int, per_rank: float, network: Network) -> float:
    """Return how long a meeting takes: one process answers all, the rest goes round in a ring.

    Args:
        ranks: Number of ranks.
        per_rank: Seconds that this process takes for each rank.
        network: What connects the ranks.
    """
    short = min(len(WORD), SHORT, TOGETHER // ranks)
    answers = ranks * (per_rank + 8.0 * ranks * short / network.bits)
    pause = min(answers, longest_pause(ranks))  # a rank that waits looks again after so long
    ring = (ranks - 1) * (network.latency + 8.0 * (len(WORD) - short) / network.bits)
    return answers + pause + (ring if short < len(WORD) else 0.0)


def measure(turns: int) -> Measured:
    """Let everything take turns on all ranks."""
    channel = Communication()
    state, _ = member(*SIZE, channel)
    inheritance = Inheritance(state, channel)
    ranks = channel.num_members

    def inherit() -> int:
        digests = channel.together("preparing", inheritance.prepare)
        return inheritance.apply(plan("mean", ranks), digests)[0].bytes_moved

    inherited = inherit()
    same_bytes = torch.full((inherited // 4,), 1e-30)
    contenders: dict[str, Callable[[], object]] = {
        "meeting": lambda: channel.gather("a meeting", WORD),
        "meeting, long words": lambda: channel.gather("a meeting", LONG_WORD),
        "inheritance": inherit,
        "its bytes alone": bare("mean", same_bytes, None),
        "step": step_of(channel, in_clan=True),
        "step of DDP": step_of(channel, in_clan=False),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    volumes: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(-1, turns):  # the first one warms up
        for name, act in contenders.items():
            dist.barrier()
            before, began = counted(), time.perf_counter()
            act()
            taken = time.perf_counter() - began
            dist.barrier()
            if turn >= 0:
                times[name].append(1e3 * taken)
                volumes[name].append(counted() - before)
    return Measured(
        {name: statistics.median(each) for name, each in times.items()},
        {name: statistics.median(each) for name, each in volumes.items()},
        inherited,
        time_of_host(channel),
    )


def time_of_host(channel: Communication) -> float:
    """Return the processor time that the store's host takes for each rank in a meeting, in ms."""

    def taken() -> float:
        fields = Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    began = taken()
    for _ in range(BLOCK):
        channel.gather("a meeting", WORD)
    return 1e3 * (taken() - began) / BLOCK / channel.world_size


def step_of(channel: Communication, *, in_clan: bool) -> Callable[[], None]:
    """Return what takes a step of a network with Adam, in a clan or by the wrapper alone."""
    width, depth = SIZE
    layers = [layer for _ in range(depth) for layer in (nn.Linear(width, width), nn.ReLU())]
    model: nn.Module = nn.Sequential(*layers)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    if in_clan:
        gradients = make_gradients(model, [optimizer], channel, "exact")
        gradients.average_over(channel.everybody)
    else:
        model = DistributedDataParallel(model, forward_sync_buffers=False)
    batch = torch.randn(16, width)

    def step() -> None:
        if in_clan:
            gradients.at_step(gradients.step + 1)
        model(batch).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def counted() -> float:
    """Return the bytes that this machine has sent to itself."""
    line = next(each for each in Path("/proc/net/dev").read_text().splitlines() if "lo:" in each)
    return float(line.split(":")[1].split()[0])


def as_a_rank(turns: int) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    gc.disable()  # a collection in one rank would be waited for by all
    found = measure(turns)
    if dist.get_rank() == 0:
        print(json.dumps(attrs.asdict(found)))
    dist.barrier()
    dist.destroy_process_group()


def main() -> int:
    if sys.platform != "linux":
        raise SystemExit("this benchmark reads what the Linux kernel counts, in /proc")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two and four ranks, two turns")
    parser.add_argument("--rank", type=int, metavar="TURNS", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.rank and "RANK" in os.environ:
        as_a_rank(given.rank)
        return 0
    cases, turns = (RANKS[:2], 2) if given.quick else (RANKS, 15)
    found = {}
    for done, ranks in enumerate(cases):
        show_progress(done, len(cases), f"{ranks} ranks")
        found[ranks] = Measured(**answer_of_ranks(__file__, ranks, "--rank", str(turns)))
    show_progress(len(cases), len(cases), "done")
    return judged(found)


def judged(found: dict[int, Measured]) -> int:
    """Print what was measured, and what follows for other networks."""
    rows: list[tuple[object, ...]] = [("ranks", "what", "ms", "MB", "MB, model", "ratio")]
    bars = []
    for ranks, each in found.items():
        for name, model in modelled(ranks, each.inherited).items():
            ms, volume = each.milliseconds[name], each.bytes[name]
            rows.append((ranks, name, ms, volume / 1e6, model / 1e6, volume / model))
            if name in ("inheritance", "step"):
                bars.append(bar(f"{name}, {ranks} ranks: volume / model", volume / model, 1.05))
        rows.append((ranks, "the store's host, for each rank in a meeting", each.host, "", "", ""))
    per_rank = found[max(found)].host / 1e3
    ends = {
        name: {n: end_of_round(n, per_rank, each) for n in MANY} for name, each in NETWORKS.items()
    }
    for name, by_ranks in ends.items():
        for ranks, (seconds, share) in by_ranks.items():
            rows.append((ranks, f"the end of a round, {name}", 1e3 * seconds, "", "", share))
    figures: dict[str, object] = {str(ranks): attrs.asdict(each) for ranks, each in found.items()}
    figures["the end of a round: seconds, and a share of its gradients"] = ends
    title = "A clan on more ranks"
    return report(title, rows, figures, bars, (*PACKAGES, "clantune-clan", "torch"))


def modelled(ranks: int, inherited: int) -> dict[str, float]:
    """Return the bytes that all ranks exchange, by the model."""
    all_of_it, gradients = (sent_in_sum(ranks, inherited / share) for share in (1, COPIES))
    return {
        "meeting": sent_in_meeting(ranks, len(WORD)),
        "meeting, long words": sent_in_meeting(ranks, len(LONG_WORD)),
        "inheritance": all_of_it,
        "its bytes alone": all_of_it,
        "step": gradients,
        "step of DDP": gradients,
    }


def end_of_round(ranks: int, per_rank: float, network: Network) -> tuple[float, float]:
    """Return how long the end of a round takes, and this as a share of its steps' gradients."""
    meetings = MEETINGS * seconds_of_meeting(ranks, per_rank, network)
    moved = seconds_of_sum(ranks, 4.0 * COPIES * PARAMETERS, network)
    steps = STEPS * seconds_of_sum(ranks, 4.0 * PARAMETERS, network)
    return meetings + moved, (meetings + moved) / steps


if __name__ == "__main__":
    sys.exit(main())
