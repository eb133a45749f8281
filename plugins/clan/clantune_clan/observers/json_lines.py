"""The metrics of a clan as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from clantune_clan.communication.joining import is_restarted
from clantune_clan.disk import append, set_aside, write_atomically
from clantune_clan.errors import ClanError
from clantune_clan.observers.metrics import ROUND, MetricsObserver


class JsonLines(MetricsObserver):
    """Writes the metrics of a clan to a file, one JSON object per line, with its `step`.

    After a resume the same file goes on, and the lines that follow the checkpoint are removed. If
    the processes are restarted before the first checkpoint, the run begins again: the file is
    renamed, such as to `metrics.jsonl.old-1`, and a new one begins.
    """

    def __init__(self, path: str | Path) -> None:
        """Choose the file. Nothing is written before the first event.

        Args:
            path: File; its folder is made if it is missing.
        """
        self._path, self._is_open = Path(path), False

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Write metrics at a step of the run."""
        if not self._is_open:
            self._open(step)
        append((json.dumps({"step": step, **metrics}) + "\n").encode(), self._path)

    def _open(self, step: int) -> None:
        """Keep the lines before a step, at which a run goes on.

        Raises:
            ClanError: The file has metrics of another run, or a line that is not metrics.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
        if text and step == 0:
            text = ""
            self._set_aside()
        write_atomically(self._path, "".join(self._lines_before(step, text)).encode())
        self._is_open = True

    def _set_aside(self) -> None:
        """Rename the file of an earlier attempt, which ended before its first checkpoint.

        Raises:
            ClanError: This is the first attempt, so the lines are those of another run.
        """
        if not is_restarted():
            raise ClanError(
                f"there are metrics of another run at {self._path} already: move the file, or give "
                "another path"
            )
        set_aside(self._path)

    def _lines_before(self, step: int, text: str) -> Iterator[str]:
        whole = text[: text.rfind("\n") + 1]  # a kill may have torn the last line
        for number, line in enumerate(whole.splitlines(keepends=True), start=1):
            try:
                entries = json.loads(line)
                is_before = entries["step"] < step or (entries["step"] == step and ROUND in entries)
            except (ValueError, TypeError, KeyError) as error:
                raise ClanError(f"{self._path}, line {number}: this is not metrics") from error
            if is_before:
                yield line
