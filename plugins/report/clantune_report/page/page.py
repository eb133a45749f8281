"""The whole page: one file of HTML that needs nothing else, also without a network."""

from __future__ import annotations

import plotly.offline  # type: ignore[import-untyped]

from clantune_clan.records import RunFile
from clantune_report.facts import Facts
from clantune_report.page.diversity import diversity
from clantune_report.page.export import export
from clantune_report.page.family import family
from clantune_report.page.fitness import fitness
from clantune_report.page.measured import measured
from clantune_report.page.schedules import schedules
from clantune_report.page.summary import summary
from clantune_report.page.text import in_html
from clantune_report.page.times import times

GENERATOR = "clantune report"

HEAD = f'<!doctype html>\n<html lang="en">\n<head>\n<meta name="generator" content="{GENERATOR}">'
"""How a page begins, by which a later report finds that it may replace it."""

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
"""What a browser allows the page: its own scripts and styles, and no request to anywhere."""

STYLE = """
:root { color-scheme: light }
body { font: 1rem/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 0 auto;
  padding: 1rem; max-width: 76rem }
h1 { font-size: 1.5rem; overflow-wrap: anywhere }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .5rem; border-top: 2px solid #1a1a1a; padding-top: .8rem }
h3 { font-size: 1rem; margin: 1.2rem 0 .2rem; overflow-wrap: anywhere }
p, ul { margin: .4rem 0 .7rem; max-width: 46rem; overflow-wrap: anywhere }
ul { padding-left: 1.3rem }
li { margin-bottom: .4rem }

a { color: #0a4a86 }
.grid { display: grid; gap: .5rem 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)) }
.grid section, .chart { min-width: 0 }
.chart { margin: .6rem 0 1rem }
.wide { overflow-x: auto; margin: .6rem 0 1rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #ccc; text-align: left;
  vertical-align: top; font-weight: normal; max-width: 34rem; overflow-wrap: break-word }
thead th { font-weight: 600 }
pre { overflow-x: auto; border-left: 3px solid #666; padding: .3rem .8rem; font-size: .85rem;
  max-height: 24rem }
summary { cursor: pointer; margin: .6rem 0 }
@media (max-width: 30rem) { th, td { padding-right: .5rem } }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt }

  .chart, table, li, .grid section { break-inside: avoid }
  h2, h3 { break-after: avoid }
}
"""

PRINTING = """
const charts = () => document.querySelectorAll('.plotly-graph-div')
const fit = width => charts().forEach(chart => Plotly.relayout(chart, {
  width: width && Math.min(width, chart.parentElement.clientWidth), autosize: !width }))
addEventListener('beforeprint', () => fit(680))
addEventListener('afterprint', () => fit(null))
"""
"""Charts follow the width of a window by themselves, and that of paper by this script."""

SECTIONS = (summary, schedules, fitness, family, diversity, measured, times, export)


def page(run: RunFile) -> str:
    """Return the page that shows a run."""
    facts = Facts(run)
    title = f"The run in {in_html(run.path.name)}"
    return "\n".join(
        (
            HEAD,
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>\n<style>{STYLE}</style>",
            f"<script>{plotly.offline.get_plotlyjs()}</script>\n</head>\n<body>\n<h1>{title}</h1>",
            *(section(facts) for section in SECTIONS),
            f"<script>{PRINTING}</script>\n</body>\n</html>\n",
        )
    )
