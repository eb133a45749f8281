"""Print the tables of the page "Optimizers": what a clan does with each optimizer of `torch.optim`.

Each cell is tried on a clan of two members, one process each. `--write` puts the tables into the
page.
"""

from __future__ import annotations

import argparse
import inspect
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from _optimizer_trials import (
    acts_at_once,
    evolving,
    first_line,
    follows,
    genes_of,
    inherits,
    preset_of,
    refusal,
    resumes,
)
from torch.optim import Optimizer

PAGE = Path(__file__).with_name("optimizers.md")
BEGIN, END = "<!-- begin of the tables -->\n", "<!-- end of the tables -->\n"


def optimizers() -> list[type[Optimizer]]:
    """Return the optimizers of `torch.optim`, sorted by name."""
    found = (getattr(torch.optim, name) for name in sorted(dir(torch.optim)))
    kinds = (each for each in found if isinstance(each, type) and issubclass(each, Optimizer))
    return [kind for kind in kinds if kind is not Optimizer]


def lines() -> Iterator[str]:
    """Yield the lines of the tables. All ranks call this together."""
    kinds = [kind for kind in optimizers() if not refusal(kind)]
    yield from _table(
        ("optimizer", "preset", "genes that evolve", "genes that do not"), map(_genes, kinds)
    )
    yield ""
    notes: list[str] = []
    yield from _table(("optimizer", *COLUMNS), (_features(kind, notes) for kind in kinds))
    yield ""
    yield from (f"{number}. {note}" for number, note in enumerate(notes, 1))
    yield ""
    refused = ((f"`{kind.__name__}`", refusal(kind)) for kind in optimizers() if refusal(kind))
    yield from _table(("optimizer", "refused"), refused)


def _genes(kind: type[Optimizer]) -> tuple[str, ...]:
    names = genes_of(kind)
    moving = [name for name in names if name in evolving(kind)]
    fixed = [name for name in names if name not in moving]
    return (f"`{kind.__name__}`", f"`{preset_of(kind).name}`", _listed(moving), _listed(fixed))


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _features(kind: type[Optimizer], notes: list[str]) -> tuple[str, ...]:
    cells = (_cell(trial(kind), notes) for trial in COLUMNS.values())
    return (f"`{kind.__name__}`", *cells)


def _cell(result: str, notes: list[str]) -> str:
    """Return a cell: the result, or the number of the note that it becomes if it is long."""
    if len(result) < 20:
        return result
    if result not in notes:
        notes.append(result)
    return f"no ({notes.index(result) + 1})"


def _option(name: str) -> Callable[[type[Optimizer]], str]:
    def trial(kind: type[Optimizer]) -> str:
        if name not in inspect.signature(kind).parameters:
            return "-"
        return first_line(lambda: follows(kind, **{name: True}))

    return trial


COLUMNS: dict[str, Callable[[type[Optimizer]], str]] = {
    "binds": lambda kind: first_line(lambda: follows(kind)),
    "acts at once": acts_at_once,
    "`per_group`": lambda kind: first_line(lambda: follows(kind, per_group=True)),
    "inherits": lambda kind: first_line(lambda: inherits(kind)),
    "resumes": lambda kind: first_line(lambda: resumes(kind)),
    "lr is a tensor": lambda kind: first_line(lambda: follows(kind, lr=torch.tensor(0.02))),
    "`foreach`": _option("foreach"),
    "`fused`": _option("fused"),
    "`capturable`": _option("capturable"),
}


def _table(heading: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heading)} |"
    yield f"|{'---|' * len(heading)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _rank(rank: int, folder: str) -> None:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    logging.getLogger("clantune").setLevel(logging.ERROR)
    store = dist.FileStore(f"{folder}/store", 2)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    text = "\n".join([*lines(), ""])
    if rank == 0:
        Path(folder, "tables").write_text(text, "utf-8")
    dist.destroy_process_group()


def main() -> int:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write them into the page")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(_rank, (folder,), nprocs=2)
        tables = Path(folder, "tables").read_text("utf-8")
    if given.write:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}{tables}{END}{rest.partition(END)[2]}", "utf-8")
    else:
        print(tables, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
