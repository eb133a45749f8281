"""The whole page: one file of HTML that needs nothing else, also without a network."""

from __future__ import annotations

import os
import time
from typing import Any

from clantune_store.database import Database
from clantune_store.exchange.new_file import new_file
from clantune_store.exchange.selecting import select
from clantune_store.extras import extra
from clantune_store.picture.facts import Facts, gather
from clantune_store.picture.failures import failures
from clantune_store.picture.groups import best_groups
from clantune_store.picture.lineage import descent
from clantune_store.picture.parameters import parameters
from clantune_store.picture.progress import progress
from clantune_store.picture.text import value_text
from clantune_store.printable import counted, in_html
from clantune_store.questions.run_values import run_values

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
"""What a browser allows the page: its own scripts and styles, and no request to anywhere."""

STYLE = """
:root { color-scheme: light }
body { font: 1rem/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff;
  margin: 0 auto; padding: 1rem; max-width: 84rem }
h1 { font-size: 1.5rem; overflow-wrap: anywhere }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .4rem; border-top: 1px solid #999; padding-top: .8rem }
h3 { font-size: 1rem; margin: 1rem 0 .2rem; overflow-wrap: anywhere }
p { margin: .3rem 0 .6rem; max-width: 60rem; overflow-wrap: anywhere }
.grid { display: grid; gap: .5rem 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 25rem), 1fr)) }
.grid section, .chart { min-width: 0 }
.wide { overflow-x: auto; margin-bottom: 1rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .7rem .25rem 0; border-bottom: 1px solid #ccc; text-align: left;
  vertical-align: top }
th, td { overflow-wrap: break-word; max-width: 40rem }
th[scope=row] { max-width: min(12rem, 40vw); position: sticky; left: 0; background: #fff }
pre { overflow-x: auto; border-left: 3px solid #666; padding: .3rem .8rem; margin: .3rem 0 1rem;
  font-size: .85rem }
summary { cursor: pointer; margin: .6rem 0 }
"""


def write_page(
    database: Database,
    metric: str,
    where: str | os.PathLike[str],
    *,
    lowest: bool = False,
    algo: str | None = None,
    dataset: str | None = None,
    family: str | None = None,
    force: bool = False,
) -> Facts:
    """Write the page to a file; return what it shows.

    Args:
        database: Database to read.
        metric: Metric, as `top` takes it.
        where: Path of the file.
        lowest: Whether the lowest value is the best; a named metric may say so too.
        algo: Only results of this algo.
        dataset: Only runs of this data set.
        family: Only runs of this family.
        force: Whether a file that is there may be replaced.

    Raises:
        MetricError: There is no such metric, or no run with a finite value.
        StoreError: The file cannot be written, or plotly is not installed.
    """
    narrowed: Any = {"dataset": dataset, "family": family}
    values = run_values(database, metric, lowest=lowest, algo=algo, **narrowed)
    found = select(database, state=None, **narrowed)
    facts = gather(database, metric, found, values)
    with new_file(where, force=force) as path:
        path.write_text(page(facts), "utf-8")
    return facts


def page(facts: Facts) -> str:
    """Return the page."""
    script: str = extra("plotly.offline", "report").get_plotlyjs()
    heading = f"Runs by {in_html(facts.metric)}"
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{heading}</title>\n<style>{STYLE}</style>",
            f"<script>{script}</script>\n</head>\n<body>\n<h1>{heading}</h1>",
            _summary(facts),
            progress(facts),
            best_groups(facts),
            descent(facts),
            parameters(facts),
            failures(facts),
            "</body>\n</html>\n",
        )
    )


def _summary(facts: Facts) -> str:
    best = facts.standings[0]
    datasets = counted(len(facts.datasets), "data set")
    by = f", by its mean rank over {datasets}" if len(facts.datasets) > 1 else ""
    values = ", ".join(
        f"<strong>{value_text(value)}</strong>{f' on {in_html(dataset)}' if dataset else ''}"
        for dataset, value in best.best.items()
    )
    order = "lowest" if facts.lowest else "highest"
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(facts.states.items()))
    missing = counted(facts.left_out, "value")
    return (
        f"<p>Group <strong>{best.group}</strong> is the best{by}. Its {order} value: {values}.</p>"
        f"<p>{counted(len(facts.points), 'run')} with a value, of "
        f"{counted(len(facts.standings), 'group')}, on {datasets}. Runs by state: {states}. "
        f"{f'Left out, because not a finite number: {missing}. ' if facts.left_out else ''}"
        f"Written {time.strftime('%Y-%m-%d %H:%M')}.</p>"
    )
