"""The examples that tests try: those that hypothesis draws, and those of the documentation.

This file lies at the root because README.md does: pytest asks only the conftest files above a test.
"""

import contextlib
import doctest
import os
import re
import sys
import tempfile
import tomllib
import traceback
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings
from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

collect_ignore = ["docs/_build"]

# ---- Hypothesis: the same examples in every run, and new ones where a seed is given ----

settings.register_profile(
    "same",
    max_examples=10 if os.environ.get("FAST") == "1" else 100,
    deadline=None,
    derandomize=True,
    print_blob=True,
)
settings.register_profile("new", settings.get_profile("same"), derandomize=False)
settings.load_profile("same")


def pytest_configure(config: pytest.Config) -> None:
    """Draw new examples where a seed is given."""
    if config.getoption("--hypothesis-seed") is not None:
        settings.load_profile("new")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Say how to draw the same examples again."""
    seed = config.getoption("--hypothesis-seed")
    if seed is not None and exitstatus:
        terminalreporter.line(f"To draw these examples again: make test RANDOM={seed}")


# ---- The order: with `--dist loadfile`, a process that is free takes the next file ----

# What takes longest begins first. A long file that began last would leave other processes idle.
LONGEST = (
    "together/test_benchmarks",
    "frameworks/test_transformers",
    "frameworks/test_lightning_callback",
    "frameworks/test_accelerate",
    "together/test_new",
    "together/test_pictures",
    "together/test_fuzz",
    "together/test_site",
    "strategies/test_laws",
    "store/test_breeding",
    "store/test_many_processes",
    "store/test_mending",
    "neuro/test_executors",
    "neuro/test_repro",
    "neuro/test_ranks",
    "neuro/test_strategy_laws",
    "distributed/test_inheritance",
    "distributed/test_killed",
    "distributed/test_signals",
    "distributed/test_clan",
    "distributed/test_misbehaviour",
    "distributed/test_bits",
    "distributed/test_accumulation",
    "distributed/test_resume",
    "distributed/test_restart",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    places = {f"{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get("/".join(item.path.parts[-2:]), len(places)))


# ---- The documentation: each `python` and `diff` block is executed ----


def _message_and_notes(kind: type[BaseException], error: BaseException) -> list[str]:
    return ["".join(traceback.format_exception_only(kind, error))]


# Before 3.11.7 and 3.12.1, doctest compared the last of these strings: of an error with notes, the
# last note and nothing else. See https://github.com/python/cpython/issues/111159.
if sys.version_info < (3, 11, 7) or (3, 12) <= sys.version_info < (3, 12, 1):
    doctest.traceback = SimpleNamespace(
        format_exception_only=_message_and_notes, print_exception=traceback.print_exception
    )


def _parse_toml(example: Example) -> None:
    tomllib.loads(example.parsed)


def _run_what_a_diff_makes(example: Example) -> None:
    """Run the script that the last Python block of the page becomes by the hunks of a diff."""
    block = r"^```python\n(.*?)^```$"
    above = example.document.text[: example.start]
    script = re.findall(block, above, re.MULTILINE | re.DOTALL)[-1]
    for hunk in example.parsed.split("@@ @@\n"):
        lines = hunk.splitlines(keepends=True)
        before, after = (
            "".join(line[1:] or line for line in lines if line[0] in f" \n{sign}") for sign in "-+"
        )
        if script.count(before) != 1:
            raise ValueError(f"the script has no such lines, or has them twice:\n{before}")
        script = script.replace(before, after)
    exec(compile(script, example.path, "exec"), example.namespace)  # noqa: S102  (it is ours)


def _enter_a_folder(namespace: dict[str, Any]) -> None:
    """Let the examples of a page write their files into a folder of their own."""
    stack = namespace["_folder"] = contextlib.ExitStack()
    stack.enter_context(contextlib.chdir(stack.enter_context(tempfile.TemporaryDirectory())))


def _leave_the_folder(namespace: dict[str, Any]) -> None:
    namespace["_folder"].close()


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS),
        CodeBlockParser("toml", _parse_toml),
        CodeBlockParser("diff", _run_what_a_diff_makes),
    ],
    pattern="*.md",
    setup=_enter_a_folder,
    teardown=_leave_the_folder,
).pytest()
