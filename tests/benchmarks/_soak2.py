"""Ten thousand rounds of a tiny model on four ranks: nothing may grow. `--quick`: a glance.

After each hundredth of the run each rank counts its memory, threads, open files and Python objects,
the keys in the store, and the time of a round. The counts after the first twentieth are compared
with those at the end.

    python tests/benchmarks/soak.py [--rounds 10000] [--quick]
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from _ranks import answer_of_ranks
from _report import PACKAGES, bar, report, show_progress
from torch import nn

from clantune_clan import Checkpoints, Clan, init
from clantune_strategies import factorial
from clantune_strategies.recipes.recipe import Recipe

RANKS = 4
LENGTH = 4
"""Steps in a round."""

GROWTH = 1.05
"""Largest growth of any count."""

COUNTS = ("MiB of memory", "threads", "files", "objects", "keys in the store", "ms per round")
RECIPES: dict[str, Callable[[], Recipe]] = {
    "factorial()": factorial,
    
}


def counts() -> list[float]:
    """Return what this process has now, without the time."""
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    memory = int(fields["VmRSS"].split()[0]) / 1024
    store = dist.distributed_c10d._get_default_store()
    return [
        memory,
        int(fields["Threads"]),
        len(os.listdir("/proc/self/fd")),
        len(gc.get_objects()),
        store.num_keys(),
    ]


def soak(recipe: str, rounds: int, folder: str) -> list[list[float]]:
    """Train so many rounds; return the counts after each hundredth of them."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    every = max(1, rounds // 100)
    clan = Clan(
        model=model,
        optimizer=torch.optim.AdamW(model.parameters(), lr=1e-3),
        autobind=["adamw"],
        strategies=RECIPES[recipe](),
        round_length=LENGTH,
        total_steps=(rounds + 1) * LENGTH,
        history=f"{folder}/history.jsonl",
        checkpoints=Checkpoints(f"{folder}/run", every=every),
        timeout=120.0,
    )
    data = torch.randn(16, 4, generator=torch.Generator().manual_seed(1))
    measured, began = [], time.perf_counter()
    for member in clan.rounds():
        while not member.done:
            model(data).square().mean().backward()
            member.optimizer.step()
            member.optimizer.zero_grad()
            member.step()
        clan.step(lambda judged: judged(torch.ones(4, 4)).square().mean())
        done = clan.run_state.round
        if not clan.finished and done % every == 0:
            seconds = time.perf_counter() - began
            measured.append([*counts(), seconds / every * 1e3])
            if clan.communicator.rank == 0:
                show_progress(done, rounds, f"rounds of {recipe}")
            began = time.perf_counter()
    return measured


def ends(column: list[float]) -> tuple[float, float]:
    """Return a count after the first twentieth of a run, and at its end: medians of a tenth."""
    tenth, begin = max(1, len(column) // 10), len(column) // 20
    return statistics.median(column[begin:][:tenth]), statistics.median(column[-tenth:])


def growth(column: list[float]) -> float:
    """Return the end of a count by its beginning."""
    begin, end = ends(column)
    return end / begin


def rank_main(rounds: int) -> None:
    """Be one rank: train with each recipe, and print the counts of all ranks."""
    init(timeout=120.0)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as own:
        folder = [own]
        dist.broadcast_object_list(folder)  # all use the folder of rank 0
        measured = [soak(name, rounds, f"{folder[0]}/{name}") for name in RECIPES]
        everyone: list[Any] = [None] * RANKS
        dist.all_gather_object(everyone, measured)  # nobody deletes the folder before
    if dist.get_rank() == 0:
        print(json.dumps(everyone)); print([[round(r[0],1) for r in rows[0]][::4] for rows in everyone], file=sys.stderr); print([[round(r[5],1) for r in rows[0]][::4] for rows in everyone], file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10_000, help="rounds (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="6 rounds")
    parser.add_argument("--rank", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank:
        rank_main(arguments.rounds)
        return 0
    rounds = 6 if arguments.quick else arguments.rounds
    everyone = answer_of_ranks(__file__, RANKS, "--rank", "--rounds", str(rounds))
    rows: list[tuple[object, ...]] = [("recipe", "count", "after 5 %", "at the end", "growth")]
    figures, bars = {}, []
    for place, recipe in enumerate(RECIPES):
        for number, count in enumerate(COUNTS):
            columns = [[row[number] for row in measured[place]] for measured in everyone]
            worst = max(columns, key=growth)
            begin, end = ends(worst)
            rows.append((recipe, count, begin, end, growth(worst)))
            figures[f"{recipe}, {count}"] = [begin, end]
            bars.append(bar(f"{recipe}: growth of {count}", round(growth(worst), 3), GROWTH))
    title = f"{rounds:,} rounds of a tiny model on {RANKS} ranks; the rank that grows most"
    return report(title, rows, figures, bars, (*PACKAGES, "clantune-clan", "torch"))


if __name__ == "__main__":
    sys.exit(main())
