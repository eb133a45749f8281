"""The law that needs another process: the same seed gives the same result there.

The other process has another hash seed, as the ranks of a run have, so a strategy whose result
depends on the order of a set is found out. One process tries many cases: starting it is the cost.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence

from clantune_core.testing.cases import Case

NAME = "answers_the_same_in_another_process"
SENTENCE = "The same seed gives the same result in another process, with another hash seed."
CASES = 20


def disagreement(cases: Sequence[Case]) -> str:
    """Return what differs between this process and another one, in words; empty if nothing."""
    module = sys.modules[type(cases[0].strategy).__module__]
    answer = subprocess.run(  # noqa: S603  (this interpreter, on our own bytes)
        [sys.executable, "-m", __name__, module.__name__, getattr(module, "__file__", None) or ""],
        input=pickle.dumps(list(cases)),
        capture_output=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONHASHSEED": "4242", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if answer.returncode:
        return f"the other process ended with {answer.stderr.decode(errors='replace')[-2000:]}"
    for case, there in zip(cases, pickle.loads(answer.stdout), strict=True):  # noqa: S301
        here = case.outcomes()
        if here != there and case.is_steady():
            return f"here {here}, there {there}, in {case!r}"
    return ""


def _answer(module: str, file: str) -> None:
    """Be the other process: read cases, write their outcomes."""
    if module not in sys.modules and file and importlib.util.find_spec(module) is None:
        _load(module, file)
    cases: list[Case] = pickle.loads(sys.stdin.buffer.read())  # noqa: S301  (from our parent)
    sys.stdout.buffer.write(pickle.dumps([case.outcomes() for case in cases]))


def _load(module: str, file: str) -> None:
    """Import a test file by its path: no import path leads to it."""
    spec = importlib.util.spec_from_file_location(module, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[module] = loaded
    spec.loader.exec_module(loaded)


if __name__ == "__main__":
    _answer(*sys.argv[1:])
