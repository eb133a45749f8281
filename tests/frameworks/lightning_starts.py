"""Everything that the tests of Lightning run, on ranks that begin when all is imported.

`python lightning_starts.py FOLDER` starts the ranks three times, one after the other. Each rank
writes what it has seen to `<name of the start><rank>.json` in the folder.
"""

import json
import os
import sys
from pathlib import Path

import lightning_data  # noqa: F401  (it describes runs)
import lightning_modules  # noqa: F401
import lightning_refused  # noqa: F401
import lightning_trainer  # noqa: F401
import torch._dynamo  # noqa: F401  (seconds, which each rank would need otherwise)
from forked import fork_ranks
from lightning_described import RUNS, outcome
from lightning_resumes import resumes
from lightning_runs import runs
from lightning_task import RANKS


def features(folder):
    """Return the outcome of each feature on this rank."""
    return {name: outcome(name, folder) for name in RUNS}


def report(start, folder):
    """Write what a start returns on this rank."""
    os.environ.pop("RANK")  # Lightning's launcher does not set it
    file = folder / f"{start.__name__}{os.environ['LOCAL_RANK']}.json"
    file.write_text(json.dumps(start(folder)))


if __name__ == "__main__":
    for each in (runs, resumes, features):
        fork_ranks(RANKS, report, each, Path(sys.argv[1]))
