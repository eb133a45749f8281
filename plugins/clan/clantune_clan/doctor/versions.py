"""Versions: Python, torch, the distributions of ClanTune, and what is optional."""

from __future__ import annotations

import importlib
import platform
from collections.abc import Iterator
from importlib import metadata

from clantune_clan.doctor.finding import Finding, Plan, note, ok, problem
from clantune_core import PluginError, contracts, strategies

CORE = "clantune-core"
OURS = (
    "clantune",
    "clantune-autobind",
    "clantune-clan",
    "clantune-frameworks",
    "clantune-neuro",
    "clantune-report",
    "clantune-store",
    "clantune-strategies",
)
OLDEST_TORCH = (2, 6)
OPTIONAL = (
    *("tqdm", "tensorboard", "wandb", "mlflow-skinny"),  # mlflow requires mlflow-skinny
    *("lightning", "transformers", "accelerate", "hypothesis"),
)


def versions(_: Plan) -> Iterator[Finding]:
    """Say what is installed, and whether it fits together."""
    yield ok(f"Python {platform.python_version()} on {platform.platform(terse=True)}")
    yield _torch()
    yield from _ours()
    yield from _plugins()
    found = {name: _version(name) for name in OPTIONAL}
    has = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    lacks = ", ".join(name for name, version in found.items() if not version)
    yield ok(f"optional packages: {has or 'none'}" + (f"; not installed: {lacks}" if lacks else ""))


def _torch() -> Finding:
    try:
        torch = importlib.import_module("torch")
    except Exception as error:  # noqa: BLE001  (a damaged installation raises anything)
        return problem(
            f"torch cannot be imported: {type(error).__name__}: {error}",
            "install it again as pytorch.org says for this machine",
        )
    version = torch.__version__
    if tuple(map(int, version.split(".")[:2])) < OLDEST_TORCH:
        return problem(f"torch {version} is older than 2.6", "pip install --upgrade torch")
    return ok(f"torch {version}")


def _ours() -> Iterator[Finding]:
    """Compare the versions of our distributions, which are released together."""
    core = _version(CORE)
    found = {name: version for name in OURS if (version := _version(name))}
    yield ok(f"{CORE} {core}, {', '.join(f'{name} {held}' for name, held in found.items())}")
    if others := [name for name, version in found.items() if version != core]:
        yield problem(
            f"{', '.join(others)} and {CORE} have different versions, and do not fit together",
            f"pip install --upgrade {CORE} {' '.join(found)}",
        )


def _plugins() -> Iterator[Finding]:
    """Load every strategy that is not switched off."""
    installed = strategies()
    broken = []
    for strategy in installed:
        try:
            strategy.load()
        except PluginError as error:
            broken.append(problem(str(error), "`clantune check` says more about a package"))
    yield from broken
    if not broken:
        yield ok(f"all {len(installed)} strategies can be loaded")
    if not metadata.entry_points(group=contracts.RECIPES):
        yield note(
            "no recipe is installed, so a clan needs strategies=[...]",
            "pip install clantune-strategies",
        )


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
