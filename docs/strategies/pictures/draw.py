"""Draws what each strategy does. One SVG per strategy and recipe, beside this script.

Named ones are drawn alone: `draw.py tournament pbt`. `--into` another folder leaves these alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import _crossbreeding
import _mutation
import _rounds
import _selection
from _paper import save

PICTURES = {
    **_selection.PICTURES,
    **_crossbreeding.PICTURES,
    **_mutation.PICTURES,
    **_rounds.PICTURES,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a picture; all by default")
    parser.add_argument("--into", type=Path, default=Path(__file__).parent, metavar="FOLDER")
    given = parser.parse_args()
    if unknown := set(given.names) - set(PICTURES):
        parser.error(f"no picture is called {min(unknown)!r}; there are {', '.join(PICTURES)}")
    for name in given.names or PICTURES:
        save(PICTURES[name](), given.into / f"{name}.svg")
