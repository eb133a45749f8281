"""The trial: a clan of a few processes really runs on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from clantune_clan.doctor.finding import Finding, Plan, ok, problem
from clantune_clan.doctor.world import VARIABLES

STAGES = ("met", "averaged", "turned over a round")
"""What a small clan does, in order."""

_LAST_LINES = 8


def trial(plan: Plan) -> Iterator[Finding]:
    """Start a small clan, and say how far it came."""
    started = time.monotonic()
    status, output, errors = _run(plan)
    took = time.monotonic() - started
    reached = [stage for stage in STAGES if stage in output.splitlines()]
    done = ", ".join(reached)
    clan = f"a clan of {plan.members} processes"
    if status == 0:
        yield ok(f"{clan} has {done}, in {took:.1f} s")
        return
    missing = next((stage for stage in STAGES if stage not in reached), "ended as it should")
    limit = f" within {plan.seconds:g} s" if status is None else ""
    though = f", though it has {done}" if done else ""
    said = "\n".join(["", *errors.strip().splitlines()[-_LAST_LINES:]])
    yield problem(
        f"{clan} has not {missing}{limit}{though}:{said}",
        "see the problems above first; if there are none, the last lines say which rank failed",
    )


def _run(plan: Plan) -> tuple[int | None, str, str]:
    """Return the exit status, None after the time limit; and what was written."""
    left_out = (*VARIABLES, "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK")
    with subprocess.Popen(  # noqa: S603  (this interpreter, and our own module)
        [
            *(sys.executable, "-m", "clantune_core", "launch", "-n", str(plan.members)),
            *("-m", "clantune_clan.doctor.small_clan", str(plan.seconds / 2)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: held for name, held in os.environ.items() if name not in left_out},
        start_new_session=True,
    ) as launched:
        try:
            output, errors = launched.communicate(timeout=plan.seconds)
        except subprocess.TimeoutExpired:
            return None, *_end(launched)
        except BaseException:  # Ctrl-C
            _end(launched)
            raise
    return launched.returncode, output, errors


def _end(launched: subprocess.Popen[str]) -> tuple[str, str]:
    """End all processes, and return what they have written."""
    for seconds in (3.0, 15.0):  # the second signal ends ranks that do not answer
        launched.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return launched.communicate(timeout=seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(launched.pid, signal.SIGKILL)
    return launched.communicate()
