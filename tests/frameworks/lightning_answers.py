"""What the runs of `lightning_starts.py` have written, for the tests."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import attrs

SCRIPT = Path(__file__).with_name("lightning_starts.py")
RANKS = 4


@attrs.frozen
class Answers:
    """The answers of all ranks, which the runs have left in a folder."""

    folder: Path

    @classmethod
    def of_all_runs(cls, folder):
        """Start the ranks, and wait for them."""
        done = subprocess.run(
            [sys.executable, SCRIPT, folder],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return cls(folder)

    def of(self, start, name):
        """Return what each rank has seen in a run of a start."""
        files = [self.folder / f"{start}{rank}.json" for rank in range(RANKS)]
        return [json.loads(file.read_text())[name] for file in files]

    def log(self, name):
        """Return the rows of the CSVLogger of a run."""
        (file,) = (self.folder / name / "lightning_logs").glob("*/metrics.csv")
        return [*csv.DictReader(file.read_text().splitlines())]


def require_phases(gradients, fewest=RANKS):
    """Check that members share gradients while they cooperate, and have their own otherwise.

    Args:
        gradients: For each rank the phase and the norm of the gradients of each step.
        fewest: Number of different norms that a step of members that compete has at least.
    """
    assert {mode for mode, _ in gradients[0]} == {"cooperative", "competitive"}
    for step in zip(*gradients, strict=True):
        (mode,) = {mode for mode, _ in step}
        different = len({norm for _, norm in step})
        assert different == 1 if mode == "cooperative" else different >= fewest
