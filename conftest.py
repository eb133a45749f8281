"""Runs the examples of the documentation: every `python` block is executed, `toml` is parsed.

It lies at the root because README.md does: pytest asks only the conftest files above a document.
"""

import doctest
import tomllib

from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

collect_ignore = ["docs/_build"]


def _parse_toml(example: Example) -> None:
    tomllib.loads(example.parsed)


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS),
        CodeBlockParser("toml", _parse_toml),
    ],
    pattern="*.md",
).pytest()
