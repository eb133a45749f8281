"""The reference: every public name of every package is in it, exactly once."""

import re
from importlib import import_module

import pytest

PACKAGES = {
    "clantune_core": ["clantune_core", "clantune_core.contracts", "clantune_core.testing"],
    "clantune_clan": ["clantune_clan", "clantune_clan.observers"],
    "clantune_autobind": ["clantune_autobind"],
    "clantune_strategies": [
        "clantune_strategies",
        "clantune_strategies.designs",
        "clantune_strategies.wrappers",
        "clantune_strategies.checks",
    ],
    "clantune_frameworks": [
        "clantune_frameworks.lightning",
        "clantune_frameworks.transformers",
        "clantune_frameworks.accelerate",
    ],
    "clantune_report": ["clantune_report"],
    "clantune_store": ["clantune_store"],
    "clantune_neuro": [
        "clantune_neuro",
        "clantune_neuro.recipes",
        "clantune_neuro.tasks",
        "clantune_neuro.networks",
        "clantune_neuro.executors",
    ],
}
"""The modules that users import from, by package. A name that a later one repeats counts once."""

REEXPORTS = ["clantune", "clantune.lightning", "clantune.transformers", "clantune.accelerate"]

ENTRY = re.compile(r"^\.\. (?:auto\w+|py:data):: (\S+)$", re.MULTILINE)


def names_of(module):
    """The public names of a module: those that it lists, or else those that it defines."""
    defined = (
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__ and name[0] != "_"
    )
    return sorted(getattr(module, "__all__", defined))


def public_names(package):
    """The full name of each public object of a package, and the object."""
    found, seen = {}, set()
    for module in map(import_module, PACKAGES[package]):
        for name in names_of(module):
            value = getattr(module, name)
            if (name, id(value)) not in seen:
                seen.add((name, id(value)))
                found[f"{module.__name__}.{name}"] = value
    return found


@pytest.fixture
def documented(committed_files, root):
    """The names that the pages document."""
    pages = [
        each for each in committed_files if each.suffix == ".md" and root / "docs" in each.parents
    ]
    return [name for page in pages for name in ENTRY.findall(page.read_text("utf-8"))]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_in_the_reference_once(package, documented):
    named = [name for name in documented if name.partition(".")[0] == package]
    assert sorted(named) == sorted(public_names(package))


def test_the_reference_has_no_other_package(documented):
    assert {name.partition(".")[0] for name in documented} == {*PACKAGES}


def test_every_distribution_is_in_the_reference(distributions, root):
    packages = {each.name for part in distributions for each in part.packages}
    assert packages - {"clantune", "clantune_compass"} == {*PACKAGES}


@pytest.mark.parametrize("module", REEXPORTS)
def test_what_the_umbrella_offers_is_in_the_reference_of_its_package(module):
    known = {id(value) for package in PACKAGES for value in public_names(package).values()}
    offered = import_module(module)
    assert [name for name in names_of(offered) if id(getattr(offered, name)) not in known] == []
