"""The console output of a run: a line per round, warnings, and a progress bar."""

from __future__ import annotations

import importlib.util
import logging
import math
import sys
from collections.abc import Sequence

import torch.distributed as dist

from clantune_clan.communication.joining import current_world_size
from clantune_clan.errors import ClanError
from clantune_clan.member.individual import Individual
from clantune_clan.records.events import RunStart
from clantune_clan.records.record import RoundRecord

LOGGER = logging.getLogger("clantune")


class _WithRank(logging.Filter):
    """Gives each record of the log the attribute `rank`, for a format such as `%(rank)d`."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.rank = dist.get_rank() if current_world_size() > 1 else 0
        return True


LOGGER.addFilter(_WithRank())


def show_log() -> None:
    """Write the log of ClanTune to the error stream, unless the program has configured logging."""
    LOGGER.setLevel(logging.INFO)
    if not LOGGER.hasHandlers():
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("clantune: %(message)s"))
        LOGGER.addHandler(handler)


class RoundLog:
    """Logs a line per round."""

    def __init__(self, start: RunStart) -> None:
        """Log the rounds of a run."""
        self._total = start.total_steps
        self._is_score = start.mode == "max"

    def on_round_end(self, records: Sequence[RoundRecord]) -> None:
        """Log the round."""
        first = records[0]
        kind = "calibration round" if first.calibration else "round"
        LOGGER.info("%s %d: %s", kind, first.round, ", ".join(self._parts(records)))

    def _parts(self, records: Sequence[RoundRecord]) -> list[str]:
        first, done = records[0], records[0].start + records[0].steps
        parts = [f"step {done}" if self._total is None else f"step {done} of {self._total}"]
        finite = [record for record in records if math.isfinite(record.metric)]
        if finite:
            choose = max if self._is_score else min
            best = choose(finite, key=lambda record: record.metric)
            metric = "score" if self._is_score else "loss"
            parts.append(f"best {metric} {best.metric:.4g} (member {best.member})")
        if first.centre is not None:
            parts.append(f"centre {first.centre:.4g}")
        if first.learning_rates:
            rates = [record.learning_rates[0] for record in records]
            low, high = f"{min(rates):.3g}", f"{max(rates):.3g}"
            parts.append(f"lr {low}" if low == high else f"lr {low} to {high}")
        if len(finite) < len(records):
            parts.append(f"{len(records) - len(finite)} of {len(records)} members lost")
        if first.went_back_to is not None:
            parts.append(f"worse: back to the weights of round {first.went_back_to}")
        return parts


def require_tqdm() -> None:
    """Raise a `ClanError` if tqdm is not installed."""
    if importlib.util.find_spec("tqdm") is None:
        raise ClanError(
            "progress=True shows a bar by tqdm, which is not installed: pip install tqdm"
        )


class ProgressBar:
    """Shows the steps of a run as a bar."""

    def __init__(self, total_steps: int | None) -> None:
        """Create a bar for a run of `total` steps."""
        from tqdm.auto import tqdm  # noqa: PLC0415  (only for users who ask for the bar)

        self._bar = tqdm(total=total_steps, unit="step", dynamic_ncols=True)

    def on_phase(self, member: Individual) -> None:
        """Show the phase."""
        self._bar.set_description(member.mode)

    def on_step(self, member: Individual) -> None:
        """Move the bar."""
        self._bar.update(member.steps_done - self._bar.n)

    def on_round_end(self, records: Sequence[RoundRecord]) -> None:
        """Show the metric of the clan's centre, or of its first member."""
        first = records[0]
        metric = first.metric if first.centre is None else first.centre
        self._bar.set_postfix(round=first.round, metric=f"{metric:.4g}")

    def on_close(self) -> None:
        """Finish the bar, which stays visible."""
        self._bar.close()
