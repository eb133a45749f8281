"""Write the tables of this page from the runs in `results`.

python docs/benchmarks/tables.py
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[1] / "tests/benchmarks"))

from _plain import STARTS  # noqa: E402  (it is found there)
from _proof import PACED, Problems, Results, Verdict  # noqa: E402

BEGIN, END = "<!-- {} -->\n", "\n<!-- end of {} -->"
OURS = "cautious()"
TASKS = ("denoise", "waves", "prose")


def problems_of(task: str, folder: Path = HERE / "results") -> Problems | None:
    """Return the problems of a task; None if it was not run."""
    runs = Results(folder / f"{task}.jsonl").runs()
    return Problems(runs) if runs else None


def regrets(problems: Problems) -> str:
    """Return a table with a row for each method and a column for each start."""
    by_method: dict[str, dict[str, Verdict]] = {}
    for each in problems.verdicts():
        by_method.setdefault(each.method, {})[each.start] = each
    head = ["method (seeds)", *STARTS, "mean", "worst"]
    rows = [_row(method, found) for method, found in by_method.items()]
    return _table(head, sorted(rows, key=lambda row: _number(row[-2])))


def _row(method: str, found: Mapping[str, Verdict]) -> list[str]:
    seeds = min(len(each.losses) for each in found.values())
    cells = [_cell(found[start]) if start in found else "" for start in STARTS]
    means = [each.regret for each in found.values()]
    name = f"`{method}`" if method.endswith(")") and "(" in method else method
    name = f"**{name}**" if method == OURS else name
    return [f"{name} ({seeds})", *cells, f"{statistics.fmean(means):.2f}", f"{max(means):.2f}"]


def _cell(verdict: Verdict) -> str:
    return f"{verdict.regret:.2f} ± {verdict.error:.2f}"


def _number(text: str) -> float:
    return float(text)


def worths(tasks: Mapping[str, Problems], methods: Iterable[str]) -> str:
    """Return a table of how long the oracle has to train to be as good as some methods."""
    rows = []
    for name, problems in tasks.items():
        found = {(each.start, each.method): each for each in problems.verdicts()}
        for method in methods:
            cells = [_worth(found.get((start, method))) for start in STARTS]
            rows.append([name, f"`{method}`" if "(" in method else method, *cells])
    return _table(["task", "method", *STARTS], rows)


def _worth(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    if verdict.worth == 0.0:
        return "below .25"
    return f"{verdict.worth:.2f}{' or more' if verdict.is_more else ''}"


def lost(tasks: Mapping[str, Problems]) -> str:
    """Return a table of the problems in which another method ends below ours, and by how much."""
    rows = []
    for name, problems in tasks.items():
        verdicts = problems.verdicts()
        ours = {each.start: each for each in verdicts if each.method == OURS}
        for start in STARTS:
            others = [v for v in verdicts if v.start == start and v.method != OURS]
            better = [v for v in others if v.regret < ours[start].regret]
            if better:
                best = min(better, key=lambda each: each.regret)
                names = ", ".join(v.method for v in sorted(better, key=lambda each: each.regret))
                rows.append([name, start, _cell(ours[start]), _cell(best), names])
    return _table(
        ["task", "start", "ours", "the best", "who ends below ours, the best first"], rows
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def with_tables(text: str) -> str:
    """Return the text of the page with tables from the runs."""
    tasks = {task: found for task in TASKS if (found := problems_of(task))}
    tables = {task: regrets(found) for task, found in tasks.items()}
    tables["lost"] = lost(tasks)
    tables["worths"] = worths(tasks, (PACED, "factorial()", OURS))
    for name, table in tables.items():
        before, _, after = text.partition(BEGIN.format(name))
        _, _, rest = after.partition(END.format(name))
        text = f"{before}{BEGIN.format(name)}{table}{END.format(name)}{rest}"
    return text


if __name__ == "__main__":
    page = HERE / "index.md"
    page.write_text(with_tables(page.read_text("utf-8")), "utf-8")
