"""When a run writes checkpoints by itself, and how many it keeps."""

from __future__ import annotations

from pathlib import Path

import attrs

from clantune_clan.errors import ClanError


def _at_least_one(_: object, field: attrs.Attribute[int], value: object) -> None:
    if type(value) is not int or value < 1:
        raise ClanError(f"{field.name} of Checkpoints is a whole number, 1 or more; got {value!r}")


@attrs.frozen
class Checkpoints:
    """The checkpoints that a run writes by itself; a new process goes on from the latest.

    Attributes:
        folder: The folder of the run, which all ranks reach.
        every: Rounds between two checkpoints.
        keep: How many are kept: the latest ones.
    """

    folder: Path = attrs.field(converter=Path)
    every: int = attrs.field(default=1, kw_only=True, validator=_at_least_one)
    keep: int = attrs.field(default=3, kw_only=True, validator=_at_least_one)

    @classmethod
    def of(cls, given: str | Path | Checkpoints | None) -> Checkpoints | None:
        """Return what the user has given, of which a path is short for the defaults.

        Raises:
            ClanError: It is something else.
        """
        if given is None or isinstance(given, Checkpoints):
            return given
        if isinstance(given, str | Path):
            return cls(given)
        raise ClanError(f"checkpoints is the folder of a run, or Checkpoints(...); got {given!r}")
