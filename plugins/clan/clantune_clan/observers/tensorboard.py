"""The metrics of a clan in TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clantune_clan.observers.metrics import MetricsObserver, require_installed


class TensorBoard(MetricsObserver):
    """Writes the metrics of a clan as event files of TensorBoard.

    After a resume the same folder goes on: TensorBoard no longer shows what an earlier process has
    written for the steps that follow the checkpoint.
    """

    def __init__(self, log_dir: str | Path | None = None, *, writer: Any = None) -> None:
        """Choose where to write. Nothing is written before the first event.

        Args:
            log_dir: Folder; None: a new one in `runs`, as `SummaryWriter` names it.
            writer: `SummaryWriter` of your own to write to, which is not closed.
        """
        require_installed("tensorboard", "tensorboard", self)
        self._log_dir, self._writer, self._is_mine = log_dir, writer, writer is None

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Write metrics at a step of the run."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  (takes seconds)

            # The metrics of the round that ends at this step have been written before a resume.
            self._writer = SummaryWriter(self._log_dir, purge_step=step + 1)
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def on_close(self) -> None:
        """Close the files, unless they belong to a writer that was given."""
        if self._is_mine and self._writer is not None:
            self._writer.close()
