"""Writing a package. All templates are filled in before the first file is written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from string import Template

from clantune_core.errors import ClanTuneError, shown
from clantune_core.new.beginnings import BEGINNINGS, Beginning
from clantune_core.new.names import Names, names_of

_FILES = {
    ".github/workflows/test.yml": "common/workflow.yml",
    ".gitignore": "common/gitignore",
    "README.md": "common/README.md",
    "pyproject.toml": "common/pyproject.toml",
    "${package}/__init__.py": "common/__init__.py",
    "${package}/${module}.py": "${what}/module.py",
    "${package}/py.typed": "common/py.typed",
    "tests/conftest.py": "common/conftest.py",
    "tests/test_${module}.py": "${what}/test.py",
}
"""The files of a package, with the template of each.

The templates end in `.template`, so that tools do not read them as code.
"""

_USE = "${what}/use.md"
"""The part of README.md that shows how it is used."""


def write_package(
    name: str, *, what: str = "mutation", into: str | Path = ".", author: str = ""
) -> Path:
    """Write a package, and return its folder.

    Args:
        name: Name of its entry point, such as `"night-shift"`.
        what: The type of package, one of `BEGINNINGS`.
        into: The folder in which the folder of the package is created.
        author: Name of the author; none if empty.

    Raises:
        ClanTuneError: The name cannot be used, the folder exists, or it cannot be written. Then no
            file remains.
    """
    if what not in BEGINNINGS:
        raise ClanTuneError(
            f"a package cannot begin with {shown(what)}; use one of {', '.join(BEGINNINGS)}"
        )
    beginning = BEGINNINGS[what]
    names = names_of(name, beginning)
    folder = _new_folder(Path(into), names.distribution)
    written = {**_filled_in(names, what, beginning, author), "LICENSE": _license()}
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


def _filled_in(names: Names, what: str, beginning: Beginning, author: str) -> dict[str, str]:
    """Return the text of every file by its path in the package."""
    values = {
        "name": names.name,
        "distribution": names.distribution,
        "package": names.package,
        "module": names.module,
        "object_name": names.object_name,
        "class_name": names.object_name,
        "what": what,
        "does": beginning.does,
        "group": beginning.group.name,
        "dependencies": beginning.dependencies,
        "authors": _authors(author),
    }
    templates = files(__package__) / "templates"

    def fill_in(text: str) -> str:
        return Template(text).substitute(values)

    def read(template: str) -> str:
        return fill_in((templates / f"{fill_in(template)}.template").read_text(encoding="utf-8"))

    values["use"] = read(_USE)
    return {fill_in(path): read(template) for path, template in _FILES.items()}


def _license() -> str:
    """Return the text of the Apache License, which is installed with the core."""
    for file in distribution("clantune-core").files or ():
        if file.name == "LICENSE":
            return file.read_text(encoding="utf-8")
    raise ClanTuneError("the LICENSE of clantune-core is not installed with it; install it again")


def _authors(author: str) -> str:
    if not author.strip():
        return ""
    if not author.isprintable():
        raise ClanTuneError(f"an author's name is one line of text; got {shown(author)}")
    quoted = json.dumps(author.strip(), ensure_ascii=False)  # a JSON string is valid TOML
    return f"authors = [{{ name = {quoted} }}]\n"


def _write(folder: Path, written: Mapping[str, str]) -> None:
    """Write the files into a new folder; remove the folder after an error."""
    folder.mkdir()
    try:
        for path, text in written.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
