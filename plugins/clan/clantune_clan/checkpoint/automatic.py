"""The settings of the checkpoints that a run writes automatically."""

from __future__ import annotations

from pathlib import Path

import attrs

from clantune_clan.errors import ClanError


def _at_least_one(_: object, field: attrs.Attribute[int], value: object) -> None:
    if type(value) is not int or value < 1:
        raise ClanError(f"{field.name} of Checkpoints is a whole number, 1 or more; got {value!r}")


@attrs.frozen
class Checkpoints:
    """The checkpoints that a run writes automatically. A new process resumes from the latest one.

    Attributes:
        folder: Folder of the run, which all ranks can access.
        every: Rounds between two checkpoints.
        keep: Number of latest checkpoints that are not deleted.
        keep_best: Whether the folder also has the best weights so far, in `best.safetensors`.
        background: Whether a thread writes while the run goes on, from a copy in main memory.
    """

    folder: Path = attrs.field(converter=Path)
    every: int = attrs.field(default=1, kw_only=True, validator=_at_least_one)
    keep: int = attrs.field(default=3, kw_only=True, validator=_at_least_one)
    keep_best: bool = attrs.field(default=True, kw_only=True)
    background: bool = attrs.field(default=False, kw_only=True)

    @classmethod
    def of(cls, given: str | Path | Checkpoints | None) -> Checkpoints | None:
        """Return the settings for an argument. A path gives the default settings.

        Raises:
            ClanError: The argument is of another type.
        """
        if given is None or isinstance(given, Checkpoints):
            return given
        if isinstance(given, str | Path):
            return cls(given)
        raise ClanError(f"checkpoints is the folder of a run, or Checkpoints(...); got {given!r}")
