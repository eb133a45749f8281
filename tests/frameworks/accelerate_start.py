"""Four ranks that run functions of accelerate_runs.py and others, one after the other.

`torchrun accelerate_start.py FOLDER NAME...` runs those of the given names; with plain `python` the
file forks the ranks itself, which imports everything once.
"""

import os
import sys
from pathlib import Path

import accelerate_examples
import accelerate_refusals
import accelerate_resumes
import accelerate_runs
from answers import write_answers
from forked import fork_ranks

MODULES = (accelerate_runs, accelerate_resumes, accelerate_examples, accelerate_refusals)


def run_all(folder, names):
    """Run what the names say, as a rank that a launcher has started."""
    known = {name: thing for module in MODULES for name, thing in vars(module).items()}
    write_answers(folder, [known[name] for name in names])


if __name__ == "__main__":
    arguments = Path(sys.argv[1]), sys.argv[2:]
    if "RANK" in os.environ:
        run_all(*arguments)
    else:
        fork_ranks(4, run_all, *arguments)
