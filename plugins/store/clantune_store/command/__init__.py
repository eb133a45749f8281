"""The command `clantune store`. Its help imports neither SQLAlchemy nor torch."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str], program: str) -> int:
    """Keep the parameters and results of any program in a database, and ask for the best.

    Args:
        arguments: Arguments after the name of the command.
        program: Name that the command is called by, such as `"clantune store"`.

    Returns:
        Exit status: 0 all done, 1 not all of it, 2 misuse or an error, 130 interrupted.
    """
    from clantune_store.command.verbs import run  # noqa: PLC0415  (click is not needed before)

    return run(arguments, program)
