"""Writing a package: templates are filled in, and only then is anything written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

import attrs

import clantune_core
from clantune_core.errors import ClanTuneError, shown
from clantune_core.new._names import Names, names_of


@attrs.frozen
class Kind:
    """What is said of a kind of strategy outside the code that is written for it.

    Attributes:
        does: What the strategy does, after "A mutation that".
        parameters: Those of the example, as they are written.
        shown: Those of the example, as they are shown.
    """

    does: str
    parameters: str
    shown: str


KINDS: Mapping[str, Kind] = {
    "mutation": Kind("adds noise to some alleles", "std=0.3", "std=0.3, chance=0.5"),
    "selection": Kind("draws one parent among the fittest members", "share=0.5", "share=0.5"),
    "crossbreeding": Kind("pulls alleles towards those of the parents", "pull=1.0", "pull=1.0"),
}
"""The kinds of strategies that a package can be begun with."""

_FILES = {
    ".gitignore": "gitignore",
    "README.md": "README.md",
    "pyproject.toml": "pyproject.toml",
    "${package}/__init__.py": "__init__.py",
    "${package}/${module}.py": "${kind}.py",
    "${package}/py.typed": "py.typed",
    "tests/conftest.py": "conftest.py",
    "tests/test_${module}.py": "test_${kind}.py",
}
"""What is written, and the template of each.

The templates end in `.template`, so that no tool takes them for what they will become.
"""


def write_package(
    name: str, *, kind: str = "mutation", into: str | Path = ".", author: str = ""
) -> Path:
    """Write a package with one strategy, and return its folder.

    Args:
        name: What the strategy will be called, such as `"night-shift"`.
        kind: One of `KINDS`.
        into: The folder in which that of the package is made.
        author: Who is named as its author; nobody if empty.

    Raises:
        ClanTuneError: The name cannot be used, the folder exists, or it cannot be written. Then
            nothing is left behind.
    """
    names = names_of(name)
    folder = _new_folder(Path(into), names.distribution)
    written = _filled_in(names, kind, author)
    try:
        _write(folder, written)
    except OSError as error:
        raise ClanTuneError(f"{folder} cannot be written: {error.strerror or error}") from error
    return folder


def _new_folder(into: Path, name: str) -> Path:
    if not into.is_dir():
        raise ClanTuneError(f"there is no folder {into} to write the package into")
    folder = into / name
    if folder.exists() or folder.is_symlink():
        raise ClanTuneError(f"{folder} exists already; move it away, or choose another name")
    return folder


def _filled_in(names: Names, kind: str, author: str) -> dict[str, str]:
    """Return the text of every file by its path in the package."""
    if kind not in KINDS:
        raise ClanTuneError(f"{shown(kind)} is no kind of strategy; take {', '.join(KINDS)}")
    values = {
        "strategy": names.strategy,
        "distribution": names.distribution,
        "package": names.package,
        "module": names.module,
        "class_name": names.class_name,
        "kind": kind,
        "authors": _authors(author),
        "core_versions": compatible_versions(clantune_core.__version__),
        **attrs.asdict(KINDS[kind]),
    }
    templates = files(__package__) / "templates"

    def fill_in(text: str) -> str:
        return Template(text).substitute(values)

    return {
        fill_in(path): fill_in(
            (templates / f"{fill_in(template)}.template").read_text(encoding="utf-8")
        )
        for path, template in _FILES.items()
    }


def compatible_versions(version: str) -> str:
    """Return the range from this version up to the first that may break what works with it."""
    major, minor = map(int, version.split(".")[:2])
    return f">={version},<{major + 1 if major else f'0.{minor + 1}'}"


def _authors(author: str) -> str:
    if not author.strip():
        return ""
    if not author.isprintable():
        raise ClanTuneError(f"an author's name is one line of text; got {shown(author)}")
    quoted = json.dumps(author.strip(), ensure_ascii=False)  # a string of JSON is one of TOML
    return f"authors = [{{ name = {quoted} }}]\n"


def _write(folder: Path, written: Mapping[str, str]) -> None:
    """Write the files into a folder that this call makes, or leave none."""
    folder.mkdir()
    try:
        for path, text in written.items():
            file = folder / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
