"""The history of a run, as JSON lines in a file of rank 0: its start, phases, rounds and end."""

from __future__ import annotations

import json
import tempfile
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clantune_clan.disk import append, set_aside, write_atomically
from clantune_clan.errors import ClanError
from clantune_clan.records import events
from clantune_clan.records.events import PhaseStart, RunEnd, RunStart
from clantune_clan.records.record import RoundRecord
from clantune_clan.records.run_file import parsed

if TYPE_CHECKING:  # they import torch, and what reads a file needs none
    from clantune_clan.communication import Communication
    from clantune_clan.member.individual import Individual


class History:
    """Records of rounds. Iterating reads the file, so records do not accumulate in memory.

    Only rank 0 has the file; on other ranks the history is empty. Other programs can read the file
    during the run, since every line is complete.

    Attributes:
        path: Path of the file; None on ranks without one.
        is_kept: Whether the file stays after the process ends, as it does if the user gave a path.
    """

    def __init__(self, path: str | Path | None, *, writes: bool) -> None:
        """Open a history.

        Args:
            path: File for the records; None: a temporary file, which is deleted with this object,
                or when the process ends.
            writes: Whether this rank writes the file.
        """
        self.path: Path | None = None
        self.is_kept = path is not None
        self._is_of_another_run = self._is_broken = False
        if not writes:
            return
        if path is None:
            self.path = _temporary_file()
            weakref.finalize(self, self.path.unlink, missing_ok=True)
            return
        self.path = Path(path)
        self._is_of_another_run = self.path.exists() and self.path.stat().st_size > 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()

    def require_own(self) -> None:
        """Raise an error if the file has records of another run, so that they do not mix."""
        if self._is_of_another_run:
            raise ClanError(
                f"there is a history at {self.path} already: move it, give another path, or go on "
                "with its run by clan.resume(folder)"
            )

    def begin_again(self) -> None:
        """Rename the file of an attempt that ended before a checkpoint, and begin a new one."""
        if self.path is not None and self._is_of_another_run:
            set_aside(self.path)
            self.path.touch()
            self._is_of_another_run = False

    def text(self) -> str:
        """Return the content of the file, which is empty on ranks other than 0."""
        return "" if self.path is None else self.path.read_text(encoding="utf-8")

    def restore(self, text: str) -> None:
        """Replace the content of the file, which may have records of later rounds."""
        if self.path is not None:
            write_atomically(self.path, text.encode())
            self._is_of_another_run = False

    def on_run_start(self, start: RunStart) -> None:
        """Write the settings of the run, which begins or resumes."""
        self._append([events.as_data(start)])

    def on_phase(self, member: Individual) -> None:
        """Write the start of a phase."""
        phase = PhaseStart(time=time.time(), step=member.steps_done, mode=member.mode)
        self._append([events.as_data(phase)])

    def on_round_end(self, records: Sequence[RoundRecord]) -> None:
        """Write the records of a round."""
        self._append(record.as_data() for record in records)

    def on_close(self) -> None:
        """Write the end of the run, unless its file is gone or could not be written before."""
        if not self._is_broken and self.path is not None and self.path.exists():
            self._append([events.as_data(RunEnd(time=time.time()))])

    def _append(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Write lines.

        Raises:
            ClanError: They cannot be written. The file then has whole lines only.
        """
        if self.path is None:
            return
        lines = [json.dumps(entry, allow_nan=False) + "\n" for entry in entries]
        try:
            append("".join(lines).encode(), self.path)
        except OSError as error:
            self._is_broken = True
            raise ClanError(f"the history {self.path} cannot be written: {error}") from error

    def __iter__(self) -> Iterator[RoundRecord]:
        """Return the records of all members and rounds, in order.

        Raises:
            ClanError: A line is damaged; the error names file and line.
        """
        if self.path is None:
            return
        with self.path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                try:
                    entry = parsed(line)
                except ClanError as error:
                    raise ClanError(f"{self.path}, line {number}: {error}") from error
                if isinstance(entry, RoundRecord):
                    yield entry

    def __len__(self) -> int:
        """Return the number of records."""
        return sum(1 for _ in self)

    def rounds(self) -> Iterator[list[RoundRecord]]:
        """Return the records of each round together."""
        together: list[RoundRecord] = []
        for record in self:
            if together and record.round != together[0].round:
                yield together
                together = []
            together.append(record)
        if together:
            yield together

    def __repr__(self) -> str:
        """Return a text with the path of the file."""
        return f"<History in {self.path}>" if self.path else "<History of another rank>"


def open_history(path: str | Path | None, communicator: Communication) -> History:
    """Return the history of a run. All ranks call this together, and rank 0 opens the file."""
    writes = communicator.rank == 0
    return communicator.attempt("the history", lambda: History(path, writes=writes))


def _temporary_file() -> Path:
    with tempfile.NamedTemporaryFile("w", prefix="clan-", suffix=".jsonl", delete=False) as file:
        return Path(file.name)
