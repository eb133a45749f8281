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

BEGIN, END = "<!-- {} -->\n", "<!-- end of {} -->"
OURS = "cautious()"
TASKS = ("denoise", "waves", "prose")
FEW = 3
"""Seeds that a method needs at least to be said to end below ours."""


def problems_of(task: str, folder: Path = HERE / "results") -> Problems | None:
    """Return the problems of a task; None if it was not run."""
    runs = Results(folder / f"{task}.jsonl").runs()
    return Problems(runs) if runs else None


def regrets(problems: Problems) -> str:
    """Return a table with a row for each method and a column for each start."""
    by_method: dict[str, dict[str, Verdict]] = {}
    for each in problems.verdicts():
        by_method.setdefault(each.method, {})[each.start] = each
    head = ["method (seeds)", *STARTS, "mean", "worst", "cost"]
    whole = {method: found for method, found in by_method.items() if {*found} == {*STARTS}}
    rows = [_row(method, found) for method, found in whole.items()]
    return _table(head, sorted(rows, key=lambda row: float(row[-3])))


def _row(method: str, found: Mapping[str, Verdict]) -> list[str]:
    seeds = min(len(each.losses) for each in found.values())
    cells = [_cell(found[start]) for start in STARTS]
    cost = statistics.fmean(each.cost for each in found.values())
    means = [each.regret for each in found.values()]
    name = f"`{method}`" if method.endswith(")") and "(" in method else method
    name = f"**{name}**" if method == OURS else name
    mean, worst = f"{statistics.fmean(means):.2f}", f"{max(means):.2f}"
    return [f"{name} ({seeds})", *cells, mean, worst, f"{cost:.2f}"]


def _cell(verdict: Verdict) -> str:
    mean = f"{verdict.regret:.2f}"
    return mean if len(verdict.losses) < 2 else f"{mean} ± {verdict.error:.2f}"


def lengths(tasks: Mapping[str, Problems], methods: Iterable[str]) -> str:
    """Return a table of how long the oracle has to train to be as good as some methods."""
    rows = []
    for name, problems in tasks.items():
        found = {(each.start, each.method): each for each in problems.verdicts()}
        for method in methods:
            cells = [_length(found[start, method], problems) for start in STARTS]
            rows.append([name, f"`{method}`" if "(" in method else method, *cells])
    return _table(["task", "method", *STARTS], rows)


def _length(verdict: Verdict, problems: Problems) -> str:
    if verdict.length == 0.0:
        return f"below {problems.curve[0][0]:.2f}"
    return f"{verdict.length:.2f}{' or more' if verdict.is_more else ''}"


def lost(tasks: Mapping[str, Problems]) -> str:
    """Return a table of the problems in which another method ends below ours, and by how much."""
    rows = []
    for name, problems in tasks.items():
        for start in STARTS:
            at = {each.method: each for each in problems.verdicts() if each.start == start}
            ours = at.pop(OURS)
            beside = [(v, problems.beside(ours, v)) for v in at.values() if len(v.losses) >= FEW]
            better = [each for each in beside if each[1][0] < 0.0]
            names = ", ".join(_name(*each) for each in sorted(better, key=lambda each: each[1][0]))
            rows.append([name, start, _cell(ours), names or "nobody"])
    return _table(["task", "start", f"`{OURS}`", "who ends below it, the best first"], rows)


def _name(verdict: Verdict, difference: tuple[float, float]) -> str:
    """Return the name of a method, bold if the difference is more than chance explains."""
    mean, error = difference
    name = f"`{verdict.method}`" if "(" in verdict.method else verdict.method
    shown = f"{name} ({mean:.2f})"
    return f"**{shown}**" if mean + error < 0.0 else shown


def changed(task: str, folder: str) -> list[list[str]]:
    """Return what runs of ours that end otherwise than earlier ones with the same seeds ended with.

    The same code ends with the same loss to the last digit, so others are runs of another rule.

    Args:
        task: Name of the task.
        folder: Folder of the earlier runs, in `results`.
    """
    earlier, now = (
        {(r.start, r.seed): r.loss for r in Results(file).runs() if r.method == OURS}
        for file in (HERE / f"results/{folder}/{task}.jsonl", HERE / f"results/{task}.jsonl")
    )
    rows = []
    for start in STARTS:
        pairs = [(earlier[key], loss) for key, loss in now.items() if key[0] == start]
        others = [(before, after) for before, after in pairs if before != after]
        if others:
            better = sum(after < before for before, after in others)
            means = (f"{statistics.fmean(losses):.4f}" for losses in zip(*others, strict=True))
            count = f"{len(others)} of {len(pairs)}"
            rows.append([task, start, count, str(better), str(len(others) - better), *means])
    return rows


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def with_tables(text: str) -> str:
    """Return the text of the page with tables from the runs."""
    tasks = {task: found for task in TASKS if (found := problems_of(task))}
    tables = {task: regrets(found) for task, found in tasks.items()}
    tables["lost"] = lost(tasks)
    tables["lengths"] = lengths(tasks, (PACED, "factorial()", OURS))
    head = ["task", "start", "changed runs", "better", "worse", "their loss before", "and now"]
    for table, folder in (("changed", "earlier"), ("first form", "first_form")):
        tables[table] = _table(head, [row for task in tasks for row in changed(task, folder)])
    for name, table in tables.items():
        before, _, after = text.partition(BEGIN.format(name))
        _, _, rest = after.partition(END.format(name))
        text = f"{before}{BEGIN.format(name)}{table}\n{END.format(name)}{rest}"
    return text


if __name__ == "__main__":
    page = HERE / "index.md"
    page.write_text(with_tables(page.read_text("utf-8")), "utf-8")
