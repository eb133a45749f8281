"""The metrics of a clan in the loggers of a framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from clantune_clan import MetricsObserver

Log = Callable[[dict[str, float]], None]
"""A function that logs metrics at the current step of the framework."""


@attrs.frozen(eq=False)
class Logging(MetricsObserver):
    """An observer of a clan that logs at the steps of a framework.

    Attributes:
        to: Function that logs.
    """

    to: Log

    def log(self, metrics: Mapping[str, float], step: int) -> None:  # noqa: ARG002
        """Log metrics at the current step of the framework."""
        self.to(dict(metrics))
