"""The law that needs another process: the same seed gives the same result there.

The other process has another hash seed, as the ranks of a run have. So the law catches a strategy
whose result depends on the order of a set. One process tries all cases, because the start of a
process takes longer than the cases.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from types import ModuleType

from clantune_core.errors import ClanTuneError
from clantune_core.testing.cases import Case
from clantune_core.testing.laws import LawBroken


def answers_the_same_in_another_process(cases: Sequence[Case]) -> None:
    """The same seed gives the same result in another process, with another hash seed."""
    module = sys.modules[type(cases[0].strategy).__module__]
    answer = subprocess.run(  # noqa: S603  (this interpreter, on our own bytes)
        [sys.executable, "-c", f"from {__name__} import answer; answer()", *_origin(module)],
        input=pickle.dumps(list(cases)),
        capture_output=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONHASHSEED": "4242", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if answer.returncode:
        raise LawBroken(
            f"the other process ended with {answer.stderr.decode(errors='replace')[-2000:]}"
        )
    for case, there in zip(cases, pickle.loads(answer.stdout), strict=True):  # noqa: S301
        here = case.outcomes()
        if here != there and case.is_steady():
            raise LawBroken(f"it gave {here} here, {there} in the other process, for {case!r}")


def answer() -> None:
    """Read cases and write their outcomes. The other process calls this."""
    module, file = sys.argv[1:]
    if not _is_importable(module):
        _load(module, file)
    cases: list[Case] = pickle.loads(sys.stdin.buffer.read())  # noqa: S301  (from our parent)
    sys.stdout.buffer.write(pickle.dumps([case.outcomes() for case in cases]))


def _origin(module: ModuleType) -> tuple[str, str]:
    """Return the name of a module and its file, by which another process finds it."""
    file = getattr(module, "__file__", None)
    if file is None or module.__name__ == "__main__":
        raise ClanTuneError(
            f"another process cannot import {module.__name__}, where the strategy is defined; put "
            "its class into a module file"
        )
    return module.__name__, file


def _is_importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # for a package above it
        return False


def _load(module: str, file: str) -> None:
    """Import a file by its path: test files are not on the import path."""
    spec = importlib.util.spec_from_file_location(module, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python file")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[module] = loaded
    spec.loader.exec_module(loaded)
