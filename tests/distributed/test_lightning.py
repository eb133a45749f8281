"""A clan in a LightningModule, under Lightning's own data parallel strategy."""

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

SCRIPT = Path(__file__).with_name("lightning_module.py")


def test_the_module_of_the_specification_trains_a_clan_of_two(tmp_path):
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in (0, 1))
    assert first["history"] == [[*each] for each in product(range(3), range(2))]
    modes = [mode for mode, _ in first["steps"]]
    assert modes == 3 * (4 * ["cooperative"] + 4 * ["competitive"])
    for (mode, gradients), (_, others) in zip(first["steps"], second["steps"], strict=True):
        assert (gradients == others) == (mode == "cooperative")
