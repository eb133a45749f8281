"""A checkpoint that a thread of each rank writes while the run goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clantune_clan.checkpoint.writing import Unfinished


class BackgroundWrite:
    """The files of this rank, which a thread writes, in a checkpoint that all ranks complete."""

    def __init__(self, unfinished: Unfinished, write: Callable[[Path], Mapping[str, str]]) -> None:
        """Begin to write.

        Args:
            unfinished: Checkpoint that all ranks have begun together.
            write: Function that writes the files of this rank into a folder, and returns their
                checksums by name. It must not depend on anything that a step changes.
        """
        self._unfinished = unfinished
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="clantune-checkpoint")
        self._files = self._thread.submit(write, unfinished.folder)

    def is_written(self) -> bool:
        """Return whether all ranks have written, or failed. All ranks call this together."""
        communicator = self._unfinished.communicator
        return all(communicator.together("a checkpoint in the background", self._files.done))

    def complete(self) -> Path:
        """Wait for all ranks, complete the checkpoint, and return its folder.

        All ranks call this together.

        Raises:
            CheckpointError: Writing failed on a rank. The unfinished folder is deleted.
        """
        try:
            return self._unfinished.complete(self._files.result)
        finally:
            self._thread.shutdown()

    def abandon(self) -> None:
        """Wait for this rank's thread, and delete the unfinished checkpoint."""
        self._thread.shutdown()
        self._unfinished.remove()  # each rank does: the last one leaves nothing behind
