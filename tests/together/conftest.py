"""The repository as its tests see it: a test that takes `distribution` runs once for each."""

import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import attrs
import pytest

ROOT = Path(__file__).parents[2]


@attrs.frozen
class Distribution:
    """One pyproject.toml, and what lies beside it."""

    directory: Path
    pyproject: dict[str, Any] = attrs.field(repr=False)

    @property
    def name(self) -> str:
        return self.pyproject["project"]["name"]

    @property
    def is_core(self) -> bool:
        return self.name == "clantune-core"

    @property
    def packages(self) -> list[Path]:
        wheel = self.pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]
        return [self.directory / package for package in wheel["packages"]]

    @property
    def modules(self) -> list[Path]:
        return [file for package in self.packages for file in sorted(package.rglob("*.py"))]


def _committed_files() -> list[Path]:
    """Every file that .gitignore does not name, which needs no git to tell."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split()]

    def is_ignored(path: Path) -> bool:
        place = path.relative_to(ROOT).as_posix()
        return path.name == ".git" or any(
            fnmatch(path.name, each) or fnmatch(place, each) for each in ignored
        )

    def below(folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            if not is_ignored(path):
                yield from below(path) if path.is_dir() else (path,)

    return list(below(ROOT))


def _distributions() -> list[Distribution]:
    return [
        Distribution(file.parent, tomllib.loads(file.read_text("utf-8")))
        for file in _committed_files()
        if file.name == "pyproject.toml"
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "distribution" in metafunc.fixturenames:
        found = _distributions()
        metafunc.parametrize("distribution", found, ids=[each.name for each in found])


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture
def committed_files() -> list[Path]:
    return _committed_files()


@pytest.fixture
def distributions() -> list[Distribution]:
    return _distributions()
