"""What `clantune watch` costs the run that it shows. `--quick`: a glance.

Two ranks train in turns: once with the temporary history that every run has, and once with a file
that a view on a pseudo-terminal follows. The processor time of rank 0 is compared, which other
processes disturb less than its duration. The view starts before the training.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import select
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
LENGTH = 10
"""Steps in a round. Rounds of a real run are longer, and its lines are fewer for a second."""

VIEW = (
    "import sys; from clantune_report.command.watch import main; sys.exit(main(sys.argv[1:], ''))"
)
TICK = os.sysconf("SC_CLK_TCK")


@contextmanager
def view_of(path: Path, seconds: list[float]) -> Iterator[None]:
    """Follow a file with a view until the run in it ends; append the view's processor seconds."""
    seen, terminal = pty.openpty()
    view = subprocess.Popen([sys.executable, "-c", VIEW, path], stdin=terminal, stdout=terminal)
    os.close(terminal)
    select.select([seen], [], [])  # it has started, and waits for the file
    started = _processor_seconds(view.pid)
    with subprocess.Popen(
        ["cat"], stdin=seen, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ):
        os.close(seen)
        yield
        seconds.append(_processor_seconds(view.pid) - started)
        if view.wait():
            raise SystemExit(f"the view of {path} ended with {view.returncode}")


def _processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def train(rounds: int, history: Path | None) -> list[float]:
    """Train so many rounds; return the processor seconds and the duration."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 1))
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
    dist.barrier()
    marks = [time.process_time(), time.perf_counter()]
    for member in clan.rounds():
        while not member.done:
            mse_loss(model(x), y).backward()
            member.optimizer.step()
            member.optimizer.zero_grad()
            member.step()
        clan.step(lambda judged: mse_loss(judged(x), y))
    clan.close()
    return [time.process_time() - marks[0], time.perf_counter() - marks[1]]


def as_a_rank(rounds: int, turns: int) -> None:
    """Be one rank: train in turns, and print what rank 0 has measured."""
    init(timeout=120.0)
    torch.set_num_threads(1)
    is_first = dist.get_rank() == 0
    alone, watched, view = [], [], list[float]()
    with tempfile.TemporaryDirectory() as folder:
        train(rounds, None)  # the first one warms up
        for turn in range(turns):
            path = Path(folder, f"{turn}.jsonl")
            for is_watched in (turn % 2 == 0, turn % 2 == 1):
                if not is_watched:
                    alone.append(train(rounds, None))
                elif is_first:
                    with view_of(path, view):
                        watched.append(train(rounds, path))
                else:
                    watched.append(train(rounds, path))
                dist.barrier()
            if is_first:
                show_progress(turn + 1, turns, "turns")
    if is_first:
        print(json.dumps({"alone": alone, "watched": watched, "view": view}))
    dist.destroy_process_group()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="4 rounds, one turn")
    parser.add_argument("--rank", type=int, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank:
        as_a_rank(*arguments.rank)
        return 0
    return judge(*((4, 1) if arguments.quick else (100, 9)))


def judge(rounds: int, turns: int) -> int:
    """Measure, print, and return the exit status."""
    measured = answer_of_ranks(__file__, RANKS, "--rank", str(rounds), str(turns))
    alone, watched, view = measured["alone"], measured["watched"], measured["view"]
    rows: list[tuple[object, ...]] = [
        ("of rank 0", "not watched", "watched", "median ratio", "quartiles")
    ]
    figures: dict[str, object] = {"rounds": rounds, "view, processor seconds": view}
    for place, name in enumerate(("processor seconds", "seconds")):
        columns = [[each[place] for each in runs] for runs in (alone, watched)]
        ratios = sorted(mine / theirs for theirs, mine in zip(*columns, strict=True))
        low, high = ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]
        median = statistics.median(ratios)
        medians = [statistics.median(column) for column in columns]
        rows.append((name, *medians, f"{median:.4f}", f"{low:.4f} {high:.4f}"))
        figures[name] = {"medians": medians, "ratio": [low, median, high]}
    busy = statistics.median(v / each[1] for v, each in zip(view, watched, strict=True))
    rows.append(("% of a processor that the view takes", "", 100.0 * busy, "", ""))
    cost = 100.0 * (figures["processor seconds"]["ratio"][1] - 1.0)  # type: ignore[index]
    bars = [bar("% more processor time of rank 0 while it is watched", round(cost, 3), 1.0)]
    title = f"{rounds} rounds of {LENGTH} steps on {RANKS} ranks, watched and not"
    return report(title, rows, figures, bars, (*PACKAGES, "clantune-clan", "rich", "torch"))


if __name__ == "__main__":
    sys.exit(main())
