"""`clantune report`: a page that shows a run."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str], program: str) -> int:
    """Write a page that shows a run, for a browser: one file of HTML that works offline.

    Args:
        arguments: Arguments of the command line, after the name of the command.
        program: Name of the command in its help and errors.

    Returns:
        The exit status: 0, 1 if no browser opens the page, or 2 if a file cannot be used.
    """
    given = _parser(program).parse_args(arguments)
    # torch and plotly take seconds
    from clantune_core import ClanTuneError  # noqa: PLC0415
    from clantune_report.finding import read_run  # noqa: PLC0415
    from clantune_report.page.writing import write_page  # noqa: PLC0415

    try:
        run = read_run(given.run)
        path = write_page(run, given.out, replaces=given.force)
    except (ClanTuneError, OSError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    print(path)
    if given.open and not webbrowser.open(path.resolve().as_uri()):
        print(f"{program}: no browser was found: open {path} in one", file=sys.stderr)
        return 1
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Write a page that shows a run, for a browser: one file of HTML that works "
        "offline. It has the schedule of each gene, the loss of each member, the family tree, "
        "diversity, measured effects, time, and the export. The run may still be going on.",
    )
    parser.add_argument(
        "run",
        metavar="RUN",
        type=Path,
        help="file that Clan(history=...) names, or a folder with one such file",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="file of the page (default: RUN with .html)"
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    parser.add_argument(
        "--force", action="store_true", help="replace FILE even if it is not a report"
    )
    return parser
