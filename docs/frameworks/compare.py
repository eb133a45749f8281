"""Train the scripts of these pages, with a clan and without, and print the loss of each.

python docs/frameworks/compare.py [--epochs 4] [--lr 0.06] [--recipe factorial] [FRAMEWORK ...]

Each script trains four ranks from settings that are several times off. A scheduler sets the same
course of the rate with a clan and without.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"
FRAMEWORKS = ("lightning", "transformers", "accelerate")
LAUNCHER = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "4")


def loss_of(script: Path, epochs: int, lr: str, recipe: str | None) -> float:
    """Return the loss on test data that a script ends with, by another recipe if one is given."""
    environment = {**os.environ, "LR": lr}
    with tempfile.TemporaryDirectory() as folder:  # for what a framework writes
        text = script.read_text("utf-8")
        if recipe is not None:
            named = 'strategies="cautious"'
            if "_clan" in script.name and named not in text:
                raise SystemExit(f"{script.name} names no recipe, so --recipe cannot replace it")
            text = text.replace(named, f'strategies="{recipe}"')
        copy = Path(folder) / script.name
        copy.write_text(text, "utf-8")
        command = [sys.executable, *LAUNCHER, str(copy), str(epochs)]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=True, env=environment, cwd=folder
        )
    (found,) = re.findall(r"loss on test data: ([\d.]+)", done.stdout)
    return float(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frameworks", nargs="*", default=FRAMEWORKS, help="default: all")
    parser.add_argument("--epochs", type=int, default=4, help="passes over the text (default: 4)")
    parser.add_argument("--lr", default="0.06", help="learning rate at first (default: 0.06)")
    parser.add_argument("--recipe", help="in place of cautious, such as factorial")
    arguments = parser.parse_args()
    print(f"{'lr ' + arguments.lr:20}{'plain':>8}{'clan':>8}")
    for name in arguments.frameworks:
        plain, clan = (
            loss_of(
                EXAMPLES / f"{name}_{kind}.py", arguments.epochs, arguments.lr, arguments.recipe
            )
            for kind in ("plain", "clan")
        )
        print(f"{name:20}{plain:8.3f}{clan:8.3f}", flush=True)


if __name__ == "__main__":
    main()
