"""The memory of a generation whose weights would not fit at once, measured in its own process."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import attrs

from clantune_neuro.benchmark.networks import sized
from clantune_neuro.errors import EvaluationError, NeuroError
from clantune_neuro.evaluation.room import BYTES, require_room
from clantune_neuro.gates import Report, at_most
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.strategies.append import Append
from clantune_neuro.tasks.memorise import Memorise
from clantune_strategies import Dominant, TopN, Tournament

GB = 10**9


@attrs.frozen
class Asked:
    """A generation to breed and evaluate.

    Attributes:
        members: Number of members.
        weights: Number of weights of each.
        parents: Number of parents, whose weights are kept.
        points: Number of points that each member answers.
        seed: Seed of the run and of the points.
    """

    members: int
    weights: int
    parents: int
    points: int
    seed: int


@attrs.frozen
class Spent:
    """What a generation took.

    Attributes:
        peak: Largest resident memory of the process, in bytes.
        evaluations: Number of networks that were evaluated.
        seconds: Seconds of the processor.
    """

    peak: int
    evaluations: int
    seconds: float


def measure(
    *,
    members: int,
    weights: int,
    parents: int,
    points: int,
    limit_gb: float,
    seed: int = 0,
    progress: Callable[[int, int], None],
) -> Report:
    """Breed and evaluate a generation in a process of its own, and compare its memory to a limit.

    Args:
        members: Number of members.
        weights: Number of weights of each.
        parents: Number of parents, whose weights are kept.
        points: Number of points that each member answers.
        limit_gb: The limit, in units of 10^9 bytes.
        seed: Seed of the run and of the points.
        progress: Is told how many generations are done, and of how many.
    """
    asked = Asked(members, weights, parents, points, seed)
    progress(0, 1)
    spent = _in_a_process(asked)
    progress(1, 1)
    dense = members * weights * BYTES
    return Report(
        f"A generation of {members:,} networks of {weights:,} weights",
        [
            ("form", "bytes"),
            ("all weights at once", dense),
            ("this generation, at most", spent.peak),
        ],
        [at_most("resident memory, 10^9 bytes", spent.peak / GB, limit_gb)],
        {
            "all weights at once": _refusal(asked, int(limit_gb * GB)),
            "seed": seed,
            "evaluations": spent.evaluations,
            "processor seconds of the generation": round(spent.seconds, 3),
        },
        "a generation needs the weights of its parents and of one chunk",
    )


def spent(asked: Asked) -> Spent:
    """Breed and evaluate a generation in this process."""
    network = sized(asked.weights)
    task = Memorise(
        asked.points,
        inputs=network.inputs,
        classes=network.classes,
        batch=asked.points,
        loss="wrong",
        seed=asked.seed,
    )
    run = Evolve(
        network.module,
        task,
        [TopN(asked.parents, Tournament(1, 1)), Dominant(), Append("normal")],
        population=asked.members,
        seed=asked.seed,
        form="loop",
        cap=(asked.parents + 1) * asked.weights * BYTES,
    )
    run.step()
    before, start = run.evaluations, time.process_time()
    run.step()
    return Spent(peak_memory(), run.evaluations - before, time.process_time() - start)


def peak_memory() -> int:
    """Return the largest resident memory that this process has had, in bytes."""
    status = Path("/proc/self/status")
    if status.is_file():  # `getrusage` counts what the process was before it ran this program
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _in_a_process(asked: Asked) -> Spent:
    command = [sys.executable, "-m", __name__, json.dumps(attrs.asdict(asked))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise NeuroError(
            f"the process of the generation ended with status {done.returncode}: "
            f"{done.stderr.strip()[-2000:]}"
        )
    return Spent(**json.loads(done.stdout.splitlines()[-1]))


def _refusal(asked: Asked, there: int) -> str:
    """Return what is said of all weights at once under the limit."""
    try:
        require_room(asked.weights, asked.members, there=there)
    except EvaluationError as error:
        return f"refused: {error}"
    return f"fits into {there:,} bytes"


if __name__ == "__main__":
    print(json.dumps(attrs.asdict(spent(Asked(**json.loads(sys.argv[1]))))))
