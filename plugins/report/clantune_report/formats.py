"""The forms in which a schedule is written: JSON, a table, and code for `LambdaLR`."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from clantune_clan import ClanError

RATE = "lr"

_CODE = '''\
"""The learning rate that ClanTune found{source}.

Make the optimizer with lr={first!r}, and call `scheduler.step()` after each
`optimizer.step()`.{note}{others}
"""

from bisect import bisect_right

from torch.optim.lr_scheduler import LambdaLR

STARTS = {starts}
RATES = {rates}


def factor(step):
    """Return the learning rate of a step, divided by the first one."""
    rate = RATES[bisect_right(STARTS, step) - 1]{ramp}
    return rate / RATES[0]


def schedule(optimizer):
    """Return a scheduler that replays the learning rate."""
    return LambdaLR(optimizer, factor)
'''

_RAMP = """
    rate *= max(0.0, min(1.0, (step + 1) / {warmup!r}, ({total!r} - step) / {cooldown!r}))"""

_OTHERS = """
Other values that changed during the run ({names}) stay as you set them;
`ReplaySchedule` of the package clantune replays all of them."""


def as_json(schedule: Mapping[str, Any], source: str) -> str:  # noqa: ARG001  (as the others)
    """Return a schedule as the JSON that `ReplaySchedule` reads."""
    return json.dumps(schedule, indent=1) + "\n"


def as_csv(schedule: Mapping[str, Any], source: str) -> str:  # noqa: ARG001  (as the others)
    """Return a schedule as a table: a line for each round, with its first step and the genes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", *schedule["rounds"][0]["genes"]])
    writer.writerows([each["step"], *each["genes"].values()] for each in schedule["rounds"])
    return text.getvalue()


def as_code(schedule: Mapping[str, Any], source: str) -> str:
    """Return Python code that replays the learning rate by a `LambdaLR`.

    Args:
        schedule: Schedule, as `clan.export_schedule` writes it.
        source: Name of the run.

    Raises:
        ClanError: The run has no gene `lr`.
    """
    rounds, total, note = schedule["rounds"], schedule["total_steps"], schedule["note"]
    genes = rounds[0]["genes"]
    if RATE not in genes:
        raise ClanError(
            f"a LambdaLR replays the gene {RATE!r}, and this run has {', '.join(genes)}: write the "
            "schedule as JSON, which ReplaySchedule of the package clantune replays"
        )
    changed = [
        name
        for name in genes
        if name != RATE and any(each["genes"][name] != genes[name] for each in rounds)
    ]
    ramp = _RAMP.format(
        total=total,
        warmup=max(1.0, schedule["warmup"] * (total or 0)),
        cooldown=max(1.0, schedule["cooldown"] * (total or 0)),
    )
    return _CODE.format(
        source=f" in {source}" if source.replace(".", "_").isidentifier() else "",
        first=genes[RATE],
        note="\n" + textwrap.fill(f"Note that {note}.", 79) if note else "",
        others=_OTHERS.format(names=", ".join(changed)) if changed else "",
        starts=_in_lines(each["step"] for each in rounds),
        rates=_in_lines(each["genes"][RATE] for each in rounds),
        ramp=ramp if total else "",
    )


def _in_lines(numbers: Iterable[float]) -> str:
    """Return a list of numbers as code, in lines that a reader can compare."""
    lines = textwrap.wrap(", ".join(map(repr, numbers)), 92, break_long_words=False)
    return "[\n" + "".join(f"    {line}\n" for line in lines) + "]"


FORMATS: Mapping[str, Callable[[Mapping[str, Any], str], str]] = MappingProxyType(
    {"json": as_json, "csv": as_csv, "py": as_code}
)
"""Functions of a schedule and the name of its run, by the ending of a file."""
