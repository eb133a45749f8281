"""Draw the pictures of the README and of "How a run works", in the folder of this script.

`draw_run.py round` draws this one only. `--into` writes to another folder.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import _data_flow
import _design
import _round
import _schedule
from _style import save
from matplotlib.figure import Figure

PICTURES: dict[str, Callable[[], Figure]] = {
    "round": _round.draw,
    "design": _design.draw,
    "data-flow": _data_flow.draw,
    "schedule": _schedule.draw,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[[], *PICTURES], metavar="NAME", help="default: all"
    )
    parser.add_argument("--into", type=Path, default=Path(__file__).parent, metavar="FOLDER")
    arguments = parser.parse_args()
    for name in arguments.names or PICTURES:
        save(PICTURES[name](), arguments.into / f"{name}.svg")
