"""The folder of a run, with a folder for each complete checkpoint."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import attrs

from clantune_clan.checkpoint import manifest
from clantune_clan.checkpoint.manifest import Manifest
from clantune_clan.checkpoint.part import names_of, read_part
from clantune_clan.communication import Communication
from clantune_clan.errors import CheckpointError

PREFIX = "step-"


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


def read(checkpoint: Checkpoint, communicator: Communication) -> dict[str, Any]:
    """Return the state of this rank, in a clan of as many ranks. All ranks call this together.

    Raises:
        CheckpointError: The checkpoint is damaged.
    """
    return communicator.attempt(
        "reading a checkpoint", lambda: checkpoint.state_of(communicator.rank)
    )
