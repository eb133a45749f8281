"""The summary of a command, read from its docstring without importing its package."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from clantune_core.plugins import Plugin


def summary(plugin: Plugin) -> str:
    """Return the first line of a function's docstring, or the name of its package."""
    for file in _sources(plugin.module):
        for node in ast.parse(file.read_bytes()).body:
            if isinstance(node, ast.FunctionDef) and node.name == plugin.attribute:
                return (ast.get_docstring(node) or plugin.distribution).partition("\n")[0]
    return plugin.distribution


def _sources(module: str) -> Iterator[Path]:
    """Yield the file of a module, if it has one."""
    top, *below = module.split(".")
    spec = importlib.util.find_spec(top)  # does not import a module without a parent
    if spec is None:
        return
    files = [] if below else [Path(spec.origin or "")]
    for folder in spec.submodule_search_locations or ():
        path = Path(folder, *below)
        files += [path / "__init__.py", path.with_suffix(".py")]
    yield from filter(Path.is_file, files)
