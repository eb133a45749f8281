"""The metrics of a clan in MLflow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from clantune_clan.observers.metrics import MetricsObserver, require_installed


class MLflow(MetricsObserver):
    """Logs the metrics of a clan to a run of MLflow, at the tracking URI that MLflow uses.

    If the script has an active run on rank 0, it is used, and is not ended here. A run that this
    observer starts is the active run until the clan closes.
    """

    def __init__(
        self,
        experiment: str | None = None,
        *,
        run_id: str | None = None,
        run_name: str | None = None,
    ) -> None:
        """Choose a run. Nothing is started before the first event.

        Args:
            experiment: Name of the experiment; None: the one that is set in MLflow.
            run_id: Id of a run that goes on, as after a resume; None: a new run.
            run_name: Name of a new run.
        """
        require_installed("mlflow", "mlflow-skinny", self)
        self._experiment, self._run_id, self._run_name = experiment, run_id, run_name
        self._run: Any = None
        self._is_mine = False

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Log metrics at a step of the run."""
        import mlflow  # noqa: PLC0415  (takes seconds)

        if self._run is None:
            self._run = mlflow.active_run()
            if self._run is None or self._run_id not in (None, self._run.info.run_id):
                if self._experiment is not None:
                    mlflow.set_experiment(self._experiment)
                self._run = mlflow.start_run(self._run_id, run_name=self._run_name)
                self._is_mine = True
        now = int(time.time() * 1000)
        listed = [mlflow.entities.Metric(*each, now, step) for each in metrics.items()]
        mlflow.MlflowClient().log_batch(self._run.info.run_id, metrics=listed)

    def on_close(self) -> None:
        """End the run, unless it belongs to the script."""
        if self._is_mine:
            import mlflow  # noqa: PLC0415

            mlflow.end_run()
