"""The HTML of a page. Names of users are shown, never run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

LONGEST = 30
"""Characters of a label in a chart."""


def in_html(text: object) -> str:
    """Return a text as HTML shows it, with the characters written out that do not print."""
    return escape(_printable(str(text)))


def in_chart(text: object, longest: int = LONGEST) -> str:
    """Return a label of a chart, whose library reads tags in labels, as HTML does."""
    label = _printable(str(text))
    end = longest // 3
    short = label if len(label) <= longest else f"{label[: longest - end - 1]}…{label[-end:]}"
    return escape(short, quote=False)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def percent(share: float) -> str:
    """Return a share in percent, with the digits that matter."""
    digits = f"{100.0 * share:.0f}" if abs(share) >= 0.1 else f"{100.0 * share:.2g}"
    return f"{digits}\N{NO-BREAK SPACE}%"


def signed(value: float) -> str:
    """Return a change with its sign, in two digits."""
    return f"{value:+.2g}".replace("-", "\N{MINUS SIGN}")


def rounded(value: float | None) -> float | None:
    """Return a number with the digits that a chart can show; None if it is not finite."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the first cell of a row is its heading. Cells are HTML."""
    head = "".join(f'<th scope="col">{cell}</th>' for cell in headings)
    body = "\n".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>'
        for first, *others in rows
    )
    thead = f"<thead><tr>{head}</tr></thead>" if headings else ""
    return f'<div class="wide"><table>{thead}<tbody>\n{body}\n</tbody></table></div>'


def section(title: str, *parts: str) -> str:
    """Return a part of the page. What does not begin with a tag is a paragraph."""
    body = "\n".join(part if part.startswith("<") else f"<p>{part}</p>" for part in parts if part)
    return f"<section>\n<h2>{title}</h2>\n{body}\n</section>"
