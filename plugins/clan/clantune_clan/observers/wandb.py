"""The metrics of a clan in Weights & Biases."""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from typing import Any

from clantune_clan.observers.metrics import MetricsObserver, require_installed

STEP = "clan/step"


class WeightsAndBiases(MetricsObserver):
    """Logs the metrics of a clan to a run of Weights & Biases.

    If the script has called `wandb.init` on rank 0, its run is used, and is not finished here. The
    steps of the clan are the metric `clan/step`, which is the horizontal axis of the others.
    """

    def __init__(
        self, project: str | None = None, *, run_id: str | None = None, **init: Any
    ) -> None:
        """Choose a run. Nothing is started before the first event.

        Args:
            project: Project of the run; None: as `wandb.init` chooses it.
            run_id: Id of a run that goes on, as after a resume, or begins; None: a new one.
            init: Further arguments of `wandb.init`, such as `mode="offline"`.
        """
        require_installed("wandb", "wandb", self)
        resume = None if run_id is None else "allow"
        self._init = {"project": project, "id": run_id, "resume": resume, **init}
        self._run: Any = None
        self._is_mine = False

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Log metrics at a step of the run."""
        if self._run is None:
            import wandb  # noqa: PLC0415  (takes seconds)

            self._is_mine = wandb.run is None
            self._run = wandb.init(**self._init) if wandb.run is None else wandb.run
            if self._is_mine:
                atexit.register(self.on_close)  # before that of wandb, which ends its process
            self._run.define_metric(STEP)
            self._run.define_metric("clan/*", step_metric=STEP)
        self._run.log({STEP: step, **metrics})

    def on_close(self) -> None:
        """Finish the run, unless it belongs to the script."""
        if self._is_mine:
            self._is_mine = False
            self._run.finish()
