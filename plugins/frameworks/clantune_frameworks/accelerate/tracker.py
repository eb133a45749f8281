"""The metrics of a clan in the trackers of an accelerator."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from accelerate import Accelerator

from clantune_clan import MetricsObserver


@attrs.frozen(eq=False)
class Tracker(MetricsObserver):
    """An observer of a clan that logs by the trackers of an accelerator, on the main process.

    Attributes:
        accelerator: Accelerator of the script.
    """

    accelerator: Accelerator

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Log metrics at a step of the run, which counts batches."""
        # Scripts count steps of the optimizer, and trackers drop what comes at an earlier step.
        steps = step // self.accelerator.gradient_accumulation_steps
        self.accelerator.log(dict(metrics), step=steps)
