"""The verb `demo`: a minute of breeding for a small program."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import attrs
import click

from clantune_store.command.options import Verb
from clantune_store.command.printing import complain, number, say, say_json, say_table
from clantune_store.errors import StoreError


@click.command(cls=Verb)
@click.option("--folder", metavar="FOLDER", help="Where to. [default: a new temporary folder]")
@click.option("--rounds", type=click.IntRange(min=1), default=4, show_default=True, help="Rounds.")
@click.option(
    "--children", type=click.IntRange(min=1), default=12, show_default=True, help="Groups a round."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def demo(folder: str | None, rounds: int, children: int, seed: int, as_json: bool) -> int:
    """Breed the knobs of a small program for about a minute, beside random search.

    The program predicts the letters of a text, and reports how many bits a letter takes. Both
    searches begin with the same values and have the same number of runs.
    """
    from clantune_store.demo.search import HERE, METRIC, REPORT, search  # noqa: PLC0415  (SQLAlchemy)
    from clantune_store.groups.store import Store  # noqa: PLC0415

    where = Path(tempfile.mkdtemp(prefix="clantune-demo-") if folder is None else folder)
    found = search(where, rounds=rounds, children=children, seed=seed, tell=complain)
    bred = found[0].path
    page: str | None = str(where / REPORT)
    try:
        with Store(bred) as store:
            store.write_report(METRIC, where / REPORT, lowest=True)
    except StoreError as error:
        complain(f"no report: {error}")
        page = None
    if as_json:
        rows: list[dict[str, Any]] = [attrs.asdict(each) for each in found]
        say_json({"searches": rows, "report": page})
        return 0
    say_table(
        ["search", "loaded", "best", "groups", "runs", "seconds"],
        [
            [
                *(each.way, number(each.first), number(each.best), each.groups, each.runs),
                f"{each.seconds:.0f}",
            ]
            for each in found
        ],
    )
    say("(bits a letter, the mean of two texts; lower is better)")
    say(f"the program: {HERE / 'letters.py'}, and its values: {HERE / 'letters.toml'}")
    say(f"what was found: clantune store top {METRIC} --lowest --per dataset --db {bred}")
    if page is not None:
        say(f"the report: {page}")
    return 0
