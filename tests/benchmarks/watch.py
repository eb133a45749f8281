"""What `clantune watch` costs the run that it shows. `--quick`: a glance.

Two ranks train, and a view on a pseudo-terminal follows the file of their run. The view is stopped
for every second block of rounds. What a block takes, in processor time of rank 0 and in seconds, is
compared with the block beside it. Other processes of the machine disturb the seconds more.

Before the first block the view starts and draws its first frames, which takes longer than following
the run. This counts as it does in a run of ten minutes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import pty
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist
from _ranks import answer_of_ranks
from _report import PACKAGES, bar, report, show_progress
from torch import nn
from torch.nn.functional import mse_loss

from clantune_clan import Clan, init

RANKS = 2
LENGTH = 100
"""Steps in a round, which takes about half a second. Real rounds take longer."""

BLOCK = 5
"""Rounds in a block. The view draws a frame when it begins, and another one every two seconds."""

RUN = 600.0
"""Seconds of a run, over which the start of the view is spread."""

VIEW = (
    "import sys; from clantune_report.command.watch import main; sys.exit(main(sys.argv[1:], ''))"
)
TICK = os.sysconf("SC_CLK_TCK")


@contextmanager
def view_of(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Follow a file with a view, which ends with the run."""
    seen, terminal = pty.openpty()
    view = subprocess.Popen([sys.executable, "-c", VIEW, path], stdin=terminal, stdout=terminal)
    os.close(terminal)
    select.select([seen], [], [])  # it has started, and waits for the file
    with subprocess.Popen(
        ["cat"], stdin=seen, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ):
        os.close(seen)
        try:
            yield view
            status = view.wait(60)
        finally:
            view.kill()
    if status:
        raise SystemExit(f"the view of {path} ended with {status}")


def processor_seconds(view: subprocess.Popen[bytes]) -> float:
    stat = Path(f"/proc/{view.pid}/stat").read_text(encoding="utf-8")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def train(rounds: int, history: Path, view: subprocess.Popen[bytes] | None) -> list[list[float]]:
    """Train so many rounds; return what was counted at the start of each block and at the end.

    That is the processor time of this rank, the time, and the processor time of the view.

    Args:
        rounds: Number of rounds.
        history: File of the run.
        view: View that is stopped in every second block; None on ranks without one.
    """
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 128), nn.Tanh(), nn.Linear(128, 1))
    x = torch.randn(512, 8, generator=torch.Generator().manual_seed(1))
    y = x[:, :1] * x[:, 1:2]
    clan = Clan(
        model=model,
        optimizer=torch.optim.AdamW(model.parameters(), lr=1e-3),
        autobind=["adamw"],
        round_length=LENGTH,
        total_steps=rounds * LENGTH,
        history=history,
        timeout=120.0,
    )
    blocks = []
    for number, member in enumerate(clan.rounds()):
        block = number // BLOCK - 1  # the first rounds warm up
        if number % BLOCK == 0 and block >= 0 and view is not None:
            blocks.append([time.process_time(), time.perf_counter(), processor_seconds(view)])
            view.send_signal(signal.SIGCONT if is_watched(block) else signal.SIGSTOP)
        while not member.done:
            mse_loss(model(x), y).backward()
            member.optimizer.step()
            member.optimizer.zero_grad()
            member.step()
        clan.step(lambda judged: mse_loss(judged(x), y))
    if view is not None:
        blocks.append([time.process_time(), time.perf_counter(), processor_seconds(view)])
        view.send_signal(signal.SIGCONT)
    clan.close()
    return blocks


def taken(counted: list[list[float]]) -> list[list[float]]:
    """Return what each block took."""
    return [
        [after - before for before, after in zip(*both, strict=True)]
        for both in itertools.pairwise(counted)
    ]


def is_watched(block: int) -> bool:
    """Return whether the view runs in a block; who is first in a pair changes."""
    return block % 4 in (1, 2)


def as_a_rank(rounds: int, runs: int) -> None:
    """Be one rank: train, and print what rank 0 has measured."""
    init(timeout=120.0)
    torch.set_num_threads(1)
    blocks = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(runs):
            path = Path(folder, f"{number}.jsonl")
            if dist.get_rank() == 0:
                show_progress(number, runs, "runs")
                with view_of(path) as view:
                    dist.barrier()
                    blocks.append(train(rounds, path, view))
            else:
                dist.barrier()
                train(rounds, path, None)
    if dist.get_rank() == 0:
        show_progress(runs, runs, "runs")
        print(json.dumps(blocks))
    dist.destroy_process_group()


def judge(rounds: int, runs: int) -> int:
    """Measure, print, and return the exit status."""
    counted = answer_of_ranks(__file__, RANKS, "--rank", str(rounds), str(runs))
    start = max(blocks[0][2] for blocks in counted)
    measured = [*map(taken, counted)]
    pairs = [
        (run[place], run[place + 1]) if is_watched(place + 1) else (run[place + 1], run[place])
        for run in measured
        for place in range(0, len(run), 2)
    ]
    rows: list[tuple[object, ...]] = [
        ("of rank 0 in a block", "not watched", "watched", "median ratio", "quartiles")
    ]
    figures: dict[str, object] = {"rounds": rounds, "pairs": len(pairs)}
    ratio_of = {}
    for column, name in enumerate(("processor seconds", "seconds")):
        alone, watched = ([block[column] for block in side] for side in zip(*pairs, strict=True))
        ratios = sorted(mine / theirs for theirs, mine in zip(alone, watched, strict=True))
        low, high = ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]
        ratio_of[name] = statistics.median(ratios)
        medians = [statistics.median(alone), statistics.median(watched)]
        rows.append((name, *medians, f"{ratio_of[name]:.4f}", f"{low:.4f} {high:.4f}"))
        figures[name] = {"medians": medians, "ratio": [low, ratio_of[name], high]}
    share = sum(mine[2] for _, mine in pairs) / sum(mine[1] for _, mine in pairs) + start / RUN
    figures["processor seconds of the start of the view"] = start
    rows.append(("the start of the view, processor seconds", "", start, "", ""))
    bars = [
        bar(f"% more {name} of rank 0 while it is watched", round(100.0 * (ratio - 1.0), 3), 1.0)
        for name, ratio in ratio_of.items()
    ]
    name = f"% of one processor that the view takes in a run of {RUN:.0f} s, with its start"
    bars.append(bar(name, round(100.0 * share, 3), 1.0))
    title = f"{runs} x {rounds} rounds of {LENGTH} steps on {RANKS} ranks, watched or not"
    return report(title, rows, figures, bars, (*PACKAGES, "clantune-clan", "rich", "torch"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one pair of blocks")
    parser.add_argument("--rank", type=int, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank:
        as_a_rank(*arguments.rank)
        return 0
    return judge(*((3 * BLOCK, 1) if arguments.quick else (21 * BLOCK, 3)))


if __name__ == "__main__":
    sys.exit(main())
