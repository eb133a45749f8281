"""Runs the examples of the documentation: every `python` block is executed, `toml` is parsed.

It lies at the root because README.md does: pytest asks only the conftest files above a document.
"""

import doctest
import sys
import tomllib
import traceback
from types import SimpleNamespace

from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

collect_ignore = ["docs/_build"]


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


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS),
        CodeBlockParser("toml", _parse_toml),
    ],
    pattern="*.md",
).pytest()
