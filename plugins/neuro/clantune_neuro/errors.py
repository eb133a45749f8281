"""The errors of neuroevolution. A message names the tensor, gene or value, and says what to do."""

from __future__ import annotations

from clantune_core import ClanTuneError


class NeuroError(ClanTuneError):
    """Base class of the errors of this plugin."""


class NetworkError(NeuroError, ValueError):
    """A network that cannot be built from its arguments."""


class TaskError(NeuroError, ValueError):
    """A task whose arguments or data cannot be used, or that returns no score."""


class EvaluationError(NeuroError, ValueError):
    """A population that cannot be evaluated in the form that was asked for."""
