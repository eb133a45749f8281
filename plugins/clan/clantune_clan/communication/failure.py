"""An exception of one rank as plain data, in which form it reaches the other ranks."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import attrs

from clantune_clan.errors import ClanError
from clantune_core import ClanTuneError


@attrs.frozen
class Failure:
    """An exception, without its traceback.

    Attributes:
        module: Module of the exception's class.
        kind: Name of the class, such as `"KeyError"`.
        message: Message of the exception.
        notes: Notes of the exception.
    """

    module: str
    kind: str
    message: str
    notes: Sequence[str]

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Describe an exception."""
        kind = type(error)
        notes = [*getattr(error, "__notes__", ())]
        return cls(kind.__module__, kind.__qualname__, str(error), notes)

    def __str__(self) -> str:
        """Return the class and the message, as the last line of a traceback shows them."""
        return f"{self.kind}: {self.message}" if self.message else self.kind

    def error(self, rank: int) -> ClanTuneError:
        """Return the exception that the other ranks raise.

        ClanTune's own exceptions keep their class; others become a `ClanError` that names it.

        Args:
            rank: Rank that raised the original exception.
        """
        error = self._own_kind(f"rank {rank}: {self.message}") or ClanError(f"rank {rank}: {self}")
        for note in self.notes:
            error.add_note(note)
        error.add_note(f"raised on rank {rank}, whose log has the traceback")
        return error

    def _own_kind(self, message: str) -> ClanTuneError | None:
        kind = getattr(sys.modules.get(self.module), self.kind, None)
        if not (isinstance(kind, type) and issubclass(kind, ClanTuneError)):
            return None
        try:
            error = kind(message)
        except TypeError:  # the class takes other arguments
            return None
        return error if str(error) == message else None
