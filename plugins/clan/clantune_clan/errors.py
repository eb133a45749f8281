"""The errors of a clan, with data: each names the actor, the place and a solution.

Each class accepts a message alone, so that the ranks without the failure can raise it too.
"""

from __future__ import annotations

from clantune_core import ClanTuneError


class ClanError(ClanTuneError):
    """Base class of the errors of a clan, and the error for invalid arguments."""


class PathError(ClanError, LookupError):
    """A path that does not exist in a state, or a value that does not fit the object there.

    Attributes:
        path: Whole path, such as `"optimizer/param_groups/0/lr"`.
    """

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class OverwrittenError(ClanError):
    """A value that a gene had set and that other code has changed since.

    Attributes:
        gene: Name of the gene.
        path: Path at which it is expressed.
        expressed: Value that the gene had set.
        found: Value that is there now.
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
    """Ranks that are missing, late, at another place, or set up differently.

    Attributes:
        missing: Ranks that did not arrive, in order.
    """

    def __init__(self, message: str, *, missing: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing


class LoaderError(ClanError):
    """Data that cannot be distributed to the members."""


class CheckpointError(ClanError):
    """A checkpoint that cannot be written, read, or used by this run."""
