"""The history of a run: one record per round and member, as JSON lines in a file of rank 0."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from clantune_clan.errors import ClanError

Record = dict[str, Any]


class History:
    """Records of rounds. Iterating reads the file, so nothing piles up in memory.

    Only rank 0 has the file; on other ranks the history is empty. It can be read while the run goes
    on: each line is whole.

    Attributes:
        path: The file; None on ranks that have none.
    """

    def __init__(self, path: str | Path | None, *, writes: bool) -> None:
        """Open a history.

        Args:
            path: Where it is written; None makes a temporary file.
            writes: Whether this rank writes it.

        Raises:
            ClanError: There is a file already, and records of two runs would be mixed.
        """
        self.path: Path | None = None
        if not writes:
            return
        if path is None:
            options = {"prefix": "clan-", "suffix": ".jsonl", "delete": False}
            with tempfile.NamedTemporaryFile("w", **options) as file:  # type: ignore[call-overload]
                path = file.name
            self.path = Path(path)
            return
        if Path(path).exists():
            raise ClanError(f"there is a history at {path} already: move it, or give another path")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
        self.path = Path(path)

    def add(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write the records of a round."""
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(record, allow_nan=False) + "\n" for record in records)

    def __iter__(self) -> Iterator[Record]:
        """Return the records in order."""
        if self.path is not None:
            with self.path.open(encoding="utf-8") as file:
                for line in file:
                    yield json.loads(line)

    def __len__(self) -> int:
        """Return the number of records."""
        return sum(1 for _ in self)

    def rounds(self) -> Iterator[list[Record]]:
        """Return the records of each round together."""
        together: list[Record] = []
        for record in self:
            if together and record["round"] != together[0]["round"]:
                yield together
                together = []
            together.append(record)
        if together:
            yield together

    def __repr__(self) -> str:
        """Say where it is."""
        return f"<History in {self.path}>" if self.path else "<History of another rank>"
