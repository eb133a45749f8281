"""Draw one SVG per strategy and recipe, in the folder of this script.

`draw.py tournament pbt` draws these two only. `--into` writes to another folder.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "pictures"))  # for _style

import _crossbreeding
import _mutation
import _rounds
import _selection
from _style import save

PICTURES = {
    **_selection.PICTURES,
    **_crossbreeding.PICTURES,
    **_mutation.PICTURES,
    **_rounds.PICTURES,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="name of a picture; default: all")
    parser.add_argument("--into", type=Path, default=Path(__file__).parent, metavar="FOLDER")
    given = parser.parse_args()
    if unknown := set(given.names) - set(PICTURES):
        parser.error(
            f"there is no picture {min(unknown)!r}; the pictures are {', '.join(PICTURES)}"
        )
    for name in given.names or PICTURES:
        save(PICTURES[name](), given.into / f"{name}.svg")
