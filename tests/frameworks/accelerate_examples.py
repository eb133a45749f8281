"""The scripts of the docs: a run as in accelerate_runs.py."""

from unittest import mock

from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from examples import script_losses


def examples(folder):
    """Train by the scripts of the docs."""
    AcceleratorState._reset_state()
    GradientState._reset_state()
    with mock.patch.object(Accelerator, "end_training"):  # other runs go on
        return script_losses("accelerate", folder, epochs=3)
