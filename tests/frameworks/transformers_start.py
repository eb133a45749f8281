"""Starts ranks that run trainings by Trainer, and writes what each has returned.

A run is a function of a folder that returns JSON data. `torchrun transformers_start.py FOLDER
NAME...` makes the runs of these names. With plain `python` the file forks the ranks itself, which
imports everything once. After a `+` among the names new ranks go on.
"""

import json
import os
import sys
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

import torch.distributed as dist
import transformers_interference
import transformers_phases
import transformers_precision
import transformers_refusals
import transformers_resuming
import transformers_saving
from forked import fork_ranks

from clantune import ClanTuneError

RUNS = {
    name: run
    for module in (
        *(transformers_phases, transformers_precision, transformers_saving),
        *(transformers_resuming, transformers_interference, transformers_refusals),
    )
    for name, run in vars(module).items()
    if getattr(run, "__module__", "") == module.__name__
}


def run_all(folder, names):
    """Run what the names say, one after the other, as a rank that a launcher has started."""
    for name in names:
        try:
            answer = RUNS[name](folder / name)
        except ClanTuneError as error:
            answer = {"error": str(error).replace(f"{folder / name}/", "")}
        answers = [None] * dist.get_world_size()
        dist.all_gather_object(answers, answer)
        if dist.get_rank() == 0:
            (folder / f"{name}.json").write_text(json.dumps(answers))
    dist.destroy_process_group()


def fork_all(folder, names):
    """Fork four ranks for each part of the names, and write how they have ended."""
    codes = []
    for is_border, part in groupby(names, "+".__eq__):
        if not is_border:
            ranks = get_context("fork").Process(
                target=fork_ranks, args=(4, run_all, folder, [*part])
            )
            ranks.start()
            ranks.join()
            codes.append(ranks.exitcode)
    print(json.dumps(codes))


if __name__ == "__main__":
    start = run_all if "RANK" in os.environ else fork_all
    start(Path(sys.argv[1]), sys.argv[2:])
