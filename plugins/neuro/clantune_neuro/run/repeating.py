"""How to repeat the error of a task."""

from __future__ import annotations

from clantune_neuro.evaluation.outcomes import Failure
from clantune_neuro.run.directory import Directory


def how_to_repeat(failure: Failure, directory: Directory | None) -> str:
    """Return a sentence with a command that repeats a failure."""
    if directory is not None:
        return (
            "this command repeats it in one process: "
            f"clantune neuro resume {directory.folder} --workers 1"
        )
    call = f"run.score({failure.lineages[0]!r}, generation={failure.generation})"
    if len(failure.lineages) == 1:
        return f"this call repeats it: {call}"
    return f"a call for one of the {len(failure.lineages)} lineages repeats it, such as {call}"
