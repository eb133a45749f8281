"""What a clan finds, in the trackers of an accelerator."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from accelerate import Accelerator

from clantune_clan import Individual, RoundRecord
from clantune_frameworks.metrics import competition_of, metrics_of


@attrs.frozen(eq=False)
class Tracker:
    """An observer of a clan that logs by the trackers of an accelerator, on the main process.

    Attributes:
        accelerator: Accelerator of the script.
    """

    accelerator: Accelerator

    def on_phase(self, member: Individual) -> None:
        """Log whether members compete."""
        self._log(competition_of(member), member.steps_done)

    def on_round_end(self, records: Sequence[RoundRecord]) -> None:
        """Log the results of a round."""
        self._log(metrics_of(records), records[0].start + records[0].steps)

    def _log(self, metrics: dict[str, float], batches: int) -> None:
        # Scripts count steps of the optimizer, and trackers drop what comes at an earlier step.
        steps = batches // self.accelerator.gradient_accumulation_steps
        self.accelerator.log(metrics, step=steps)
