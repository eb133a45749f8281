"""The folder of a run, with a folder for each complete checkpoint."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs

from clantune_clan.checkpoint import manifest
from clantune_clan.checkpoint.disk import sync_folder, write_bytes
from clantune_clan.checkpoint.manifest import Manifest
from clantune_clan.checkpoint.part import names_of, read_part, write_part
from clantune_clan.communication import Communication
from clantune_clan.errors import CheckpointError

T = TypeVar("T")

PREFIX = "step-"
UNFINISHED = ".unfinished-"


@attrs.frozen
class Checkpoint:
    """A complete checkpoint.

    Attributes:
        folder: Folder of the checkpoint.
        manifest: Description of its content.
    """

    folder: Path
    manifest: Manifest

    @classmethod
    def at(cls, folder: Path) -> Checkpoint:
        """Open a checkpoint, or the latest one in the folder of a run.

        Raises:
            CheckpointError: There is no checkpoint.
        """
        latest = folder if (folder / manifest.NAME).is_file() else find_latest(folder)
        if latest is None:
            raise CheckpointError(f"there is no checkpoint in {folder}")
        return cls(latest, Manifest.read(latest))

    def is_of(self, communicator: Communication) -> bool:
        """Whether it has as many ranks and members as a clan."""
        saved = (self.manifest.world_size, self.manifest.num_members)
        return saved == (communicator.world_size, communicator.num_members)

    def state_of(self, rank: int) -> dict[str, Any]:
        """Return the state of a rank.

        Raises:
            CheckpointError: The checkpoint is damaged.
        """
        about = self.manifest
        expected = {name for each in range(about.world_size) for name in names_of(each)}
        if about.files.keys() != expected:
            raise CheckpointError(
                f"the manifest of {self.folder} names other files than it has: resume from "
                "another checkpoint"
            )
        return read_part(self.folder, rank, about.files)


def folder_of(run_folder: Path, step: int, round_: int) -> Path:
    """Return the folder of a checkpoint. The names sort in the order of the run."""
    return run_folder / f"{PREFIX}{step:09d}-round-{round_:05d}"


def find_latest(folder: Path) -> Path | None:
    """Return the folder of a run's last complete checkpoint, or None."""
    return next(reversed(_complete_in(folder)), None)


def _complete_in(folder: Path) -> list[Path]:
    """Return the folders of complete checkpoints, in the order of their steps."""
    return sorted(each for each in folder.glob(f"{PREFIX}*") if (each / manifest.NAME).is_file())


def prune(folder: Path, keep: int) -> None:
    """Delete all complete checkpoints of a run except for the `keep` latest ones."""
    for each in _complete_in(folder)[:-keep]:
        shutil.rmtree(each, ignore_errors=True)  # the next call tries again


def write(
    run_folder: Path,
    communicator: Communication,
    capture: Callable[[], Mapping[str, Any]],
    *,
    round_: int,
    step: int,
) -> Path:
    """Write a checkpoint, and return its folder. All ranks call this together.

    All ranks write into a folder with a temporary name. After all have written, the manifest
    follows, and then the folder gets its name. So a crash leaves no incomplete checkpoint under it.

    Args:
        run_folder: Folder of the run, which all ranks can access.
        communicator: Channel to the other ranks.
        capture: Function that returns the state of this rank.
        round_: Number of complete rounds.
        step: Number of steps that are done.

    Raises:
        CheckpointError: There is a checkpoint of this step already, or writing fails.
    """
    folder = folder_of(run_folder, step, round_)
    is_first = communicator.rank == 0
    begun = communicator.together(
        "beginning a checkpoint", lambda: str(_begin(folder)) if is_first else None
    )
    unfinished = Path(begun[0])
    try:
        written = communicator.together(
            "writing a checkpoint",
            lambda: _on_disk(
                unfinished, lambda: write_part(unfinished, communicator.rank, capture())
            ),
        )
        made = Manifest(
            world_size=communicator.world_size,
            num_members=communicator.num_members,
            round=round_,
            step=step,
            files={name: checksum for part in written for name, checksum in part.items()},
        )
        communicator.together(
            "completing a checkpoint",
            lambda: (
                _on_disk(folder, lambda: _complete(unfinished, folder, made)) if is_first else None
            ),
        )
    finally:
        if is_first:
            shutil.rmtree(unfinished, ignore_errors=True)  # after a success it has its final name
    return folder


def read(checkpoint: Checkpoint, communicator: Communication) -> dict[str, Any]:
    """Return the state of this rank, in a clan of as many ranks. All ranks call this together.

    Raises:
        CheckpointError: The checkpoint is damaged.
    """
    return communicator.attempt(
        "reading a checkpoint", lambda: checkpoint.state_of(communicator.rank)
    )


def _begin(folder: Path) -> Path:
    if folder.exists():
        raise CheckpointError(f"there is a checkpoint at {folder} already")

    def make() -> Path:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(f"{UNFINISHED}*"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder.parent))

    return _on_disk(folder, make)


def _complete(unfinished: Path, folder: Path, made: Manifest) -> None:
    write_bytes(unfinished / manifest.NAME, made.to_json())
    sync_folder(unfinished)
    os.rename(unfinished, folder)
    sync_folder(folder.parent)


def _on_disk(folder: Path, function: Callable[[], T]) -> T:
    try:
        return function()
    except OSError as error:
        raise CheckpointError(f"the checkpoint {folder} cannot be written: {error}") from error
