"""A comparison as one page of HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clantune_store.database.canonical import canonical
from clantune_store.printable import in_html
from clantune_store.questions.comparison import Best, Compared, Comparison

STYLE = """
body { font: 1rem/1.4 system-ui, sans-serif; margin: 1rem; color: #222; background: #fff }
.wide { overflow-x: auto; margin-bottom: 2rem }
table { border-collapse: collapse }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #ccc }
th, td { text-align: left; vertical-align: top }
td { overflow-wrap: anywhere; min-width: 6rem }
th[scope=row] { position: sticky; left: 0; background: #fff }
th[scope=row] { max-width: 45vw; overflow-wrap: anywhere }
small { color: #666; display: block }
.best { background: #e3f4e3 }
@media (prefers-color-scheme: dark) {
  body, th[scope=row] { color: #ddd; background: #181818 }
  small { color: #999 }
  .best { background: #234a23 }
}
"""


def html(comparison: Comparison) -> str:
    """Return the page: a table of the best values, and one of the parameters that differ."""
    heading = f"Comparison of {', '.join(comparison.databases)}"
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{in_html(heading)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
            f"<h1>{in_html(heading)}</h1>\n<h2>Best results</h2>",
            table(["metric", *comparison.databases], _results(comparison)),
            "<h2>Parameters that differ</h2>",
            _parameters(comparison),
            "</body>\n</html>\n",
        )
    )


def _results(comparison: Comparison) -> Iterable[Sequence[str]]:
    for line in comparison.lines:
        of = {best.database: best for best in line.best}
        most = (max if line.order == "highest" else min)(best.value for best in line.best)
        name = in_html(f"{line.algo}.{line.name}".lstrip("."))
        head = f'<th scope="row">{name}<small>{line.order}</small></th>'
        yield [head, *(_result(of.get(database), most) for database in comparison.databases)]


def _result(best: Best | None, most: float) -> str:
    if best is None:
        return "<td>-</td>"
    data = f", {in_html(best.dataset)}" if best.dataset else ""
    mark = ' class="best"' if best.value == most else ""
    where = f"<small>group {best.group}, run {best.run}{data}</small>"
    return f"<td{mark}>{best.value:g}{where}</td>"


def _parameters(comparison: Comparison) -> str:
    if not comparison.parameters:
        return "<p>The compared groups have the same values.</p>"
    heads = [f"{group.database}: group {group.group}" for group in comparison.groups]
    rows = (
        [
            f'<th scope="row">{in_html(name.replace("__", "."))}</th>',
            *(f"<td>{_value(group, name)}</td>" for group in comparison.groups),
        ]
        for name in comparison.parameters
    )
    return table(["parameter", *heads], rows)


def _value(group: Compared, name: str) -> str:
    return in_html(canonical(group.values[name])) if name in group.values else "-"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in HTML that scrolls by itself where it is wider than the page.

    Args:
        heads: Texts of the headings.
        rows: Cells as elements of HTML.
    """
    first = "".join(f'<th scope="col">{in_html(head)}</th>' for head in heads)
    rest = "\n".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return (
        f'<div class="wide"><table>\n<thead><tr>{first}</tr></thead>\n'
        f"<tbody>\n{rest}\n</tbody>\n</table></div>"
    )
