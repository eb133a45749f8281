"""The errors of a store. A message names the file, line or value, and says what to do."""

from __future__ import annotations

from clantune_core import ClanTuneError


class StoreError(ClanTuneError):
    """Base class of the errors of a store, and the error for a database that cannot be used."""


class LoadError(StoreError, ValueError):
    """A declaration of parameters that cannot be loaded; the message begins with its place."""


class RuleError(StoreError, ValueError):
    """A rule that is not an allowed expression, or that values break."""


class MetricError(StoreError, ValueError):
    """A metric that is not an allowed expression, or that no run has reported."""


class ReportError(StoreError, ValueError):
    """A result that is not plain data, or a report to a run that is done."""


class ParameterError(StoreError, AttributeError):
    """A parameter that does not exist, or an attempt to change one."""


class MergeError(StoreError):
    """Databases that cannot be merged."""
