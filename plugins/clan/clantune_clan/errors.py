"""What can go wrong in a clan, as data: each error says who, where and what to do.

Each class can be called with a message alone: so the ranks where nothing went wrong raise it too.
"""

from __future__ import annotations

from clantune_core import ClanTuneError


class ClanError(ClanTuneError):
    """Root of what a clan raises on purpose; also for arguments that it cannot take."""


class PathError(ClanError, LookupError):
    """A path that leads nowhere in a state, or a value that does not fit where it leads.

    Attributes:
        path: The whole path, such as `"optimizer/param_groups/0/lr"`.
    """

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class OverwrittenError(ClanError):
    """A value that a gene had set and that other code has changed since.

    Attributes:
        gene: Name of the gene.
        path: Where it is expressed.
        expressed: What the gene had set there.
        found: What is there now.
    """

    def __init__(
        self,
        message: str,
        *,
        gene: str = "",
        path: str = "",
        expressed: object = None,
        found: object = None,
    ) -> None:
        super().__init__(message)
        self.gene, self.path = gene, path
        self.expressed, self.found = expressed, found


class GradientError(ClanError):
    """Gradients that cannot be averaged: left over, of another step, of other parameters."""


class CommunicationError(ClanError):
    """Ranks that are missing, late, somewhere else, or not set up alike.

    Attributes:
        missing: The ranks that did not arrive, in order.
    """

    def __init__(self, message: str, *, missing: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing


class LoaderError(ClanError):
    """Data that cannot be dealt out to the members."""


class CheckpointError(ClanError):
    """A checkpoint that cannot be written, read, or used by this run."""
