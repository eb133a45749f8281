"""The scripts of the docs, on less text: a run as in accelerate_runs.py."""

import runpy
import sys
from pathlib import Path
from unittest import mock

from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState

EXAMPLES = Path(__file__).parents[2] / "docs/examples"


def examples(folder):
    """Train on three files in place of eight, for two epochs."""
    sys.path.append(str(EXAMPLES))
    import character_lm

    character_lm.MODULES = ("calendar", "csv", "textwrap")
    return {name: _test_loss_of(f"accelerate_{name}.py") for name in ("plain", "clan")}


def _test_loss_of(script):
    AcceleratorState._reset_state()
    GradientState._reset_state()
    arguments = mock.patch.object(sys, "argv", [script, "2"])
    with arguments, mock.patch.object(Accelerator, "end_training"):  # other runs go on
        found = runpy.run_path(str(EXAMPLES / script))
    return found["loss_on"](found["model"], found["test"].some(1024))
