"""Threads: whether all members together use as many as there are cores."""

from __future__ import annotations

import os
from collections.abc import Iterator

from clantune_clan.doctor.finding import Finding, Plan, note, ok, problem
from clantune_clan.launch.threads import cores, threads_per_process

VARIABLE = "OMP_NUM_THREADS"


def threads(plan: Plan) -> Iterator[Finding]:
    """Compare the threads of all members with the cores."""
    share = threads_per_process(plan.members)
    place = f"{cores()} cores for {plan.members} members"
    if cores() < plan.members:
        yield note(
            f"{place}: they take turns, and a step takes longer",
            "start fewer members on this machine, if they compute on the CPU",
        )
    text = os.environ.get(VARIABLE)
    if text is None:
        yield ok(
            f"{place}: `clantune launch` lets each compute with {share} (torchrun: with 1, unless "
            f"{VARIABLE} is set)"
        )
    elif not text.isdecimal() or int(text) < 1:
        yield problem(f"{VARIABLE}={text} is not a number of threads", f"export {VARIABLE}={share}")
    elif int(text) > share:
        yield note(
            f"{place}, and {VARIABLE}={text} is more than the share of each, so they slow each "
            "other down",
            f"unset {VARIABLE}, or export {VARIABLE}={share}",
        )
    else:
        yield ok(f"{place}, and {VARIABLE}={text} for each")
