"""Writing a checkpoint: all ranks write their files, and then the folder gets its name."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import attrs

from clantune_clan.checkpoint import manifest
from clantune_clan.checkpoint.folder import folder_of
from clantune_clan.checkpoint.manifest import Manifest
from clantune_clan.checkpoint.part import Part
from clantune_clan.communication import Communication
from clantune_clan.disk import sync_folder, write_bytes
from clantune_clan.errors import CheckpointError

T = TypeVar("T")

UNFINISHED = ".unfinished-"


def write(
    run_folder: Path,
    communicator: Communication,
    capture: Callable[[], Mapping[str, Any]],
    *,
    round_: int,
    step: int,
) -> Path:
    """Write a checkpoint, and return its folder. All ranks call this together.

    Args:
        run_folder: Folder of the run, which all ranks can access.
        communicator: Channel to the other ranks.
        capture: Function that returns the state of this rank.
        round_: Number of complete rounds.
        step: Number of steps that are done.

    Raises:
        CheckpointError: There is a checkpoint of this step already, or writing fails.
    """
    unfinished = Unfinished.begin(run_folder, communicator, round_=round_, step=step)
    return unfinished.complete(
        lambda: Part.of(capture()).write(unfinished.folder, communicator.rank)
    )


@attrs.frozen
class Unfinished:
    """A checkpoint that is not complete.

    All ranks write into a folder with a temporary name. After all have written, the manifest
    follows, and then the folder gets its name. So a crash leaves no incomplete checkpoint under it.

    Attributes:
        folder: Folder for the files of all ranks.
        final: Path that the folder gets.
        communicator: Channel to the other ranks.
        round: Number of complete rounds.
        step: Number of steps that are done.
    """

    folder: Path
    final: Path
    communicator: Communication
    round: int
    step: int

    @classmethod
    def begin(
        cls, run_folder: Path, communicator: Communication, *, round_: int, step: int
    ) -> Self:
        """Make the folder for the files. All ranks call this together.

        Raises:
            CheckpointError: There is a checkpoint of this step already.
        """
        final = folder_of(run_folder, step, round_)
        begun = communicator.together(
            "beginning a checkpoint",
            lambda: str(_begin(final)) if communicator.rank == 0 else None,
        )
        return cls(Path(begun[0]), final, communicator, round_, step)

    def complete(self, write: Callable[[], Mapping[str, str]]) -> Path:
        """Complete the checkpoint, and return its folder. All ranks call this together.

        Args:
            write: Function that writes the files of this rank, or waits for them, and returns
                their checksums by name.

        Raises:
            CheckpointError: Writing fails on a rank. The unfinished folder is deleted.
        """
        communicator, is_first = self.communicator, self.communicator.rank == 0
        try:
            written = communicator.together("writing a checkpoint", write)
            made = Manifest(
                world_size=communicator.world_size,
                num_members=communicator.num_members,
                round=self.round,
                step=self.step,
                files={name: checksum for part in written for name, checksum in part.items()},
            )
            communicator.together(
                "completing a checkpoint",
                lambda: _complete(self.folder, self.final, made) if is_first else None,
            )
        finally:
            if is_first:
                self.remove()  # after a success it has its final name
        return self.final

    def remove(self) -> None:
        """Delete the unfinished folder and its files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _begin(final: Path) -> Path:
    if final.exists():
        raise CheckpointError(f"there is a checkpoint at {final} already")

    def make() -> Path:
        final.parent.mkdir(parents=True, exist_ok=True)
        for left in final.parent.glob(f"{UNFINISHED}*"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=final.parent))

    return _on_disk(final, make)


def _complete(folder: Path, final: Path, made: Manifest) -> None:
    def name() -> None:
        write_bytes(folder / manifest.NAME, made.to_json())
        sync_folder(folder)
        os.rename(folder, final)
        sync_folder(final.parent)

    _on_disk(final, name)


def _on_disk(final: Path, function: Callable[[], T]) -> T:
    try:
        return function()
    except OSError as error:
        raise CheckpointError(f"the checkpoint {final} cannot be written: {error}") from error
