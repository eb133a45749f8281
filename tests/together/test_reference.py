"""The reference: every public name of every package, and all that pages import, exactly once."""

import re
from importlib import import_module
from types import ModuleType

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

REEXPORTS = [
    "clantune",
    "clantune.observers",
    "clantune.lightning",
    "clantune.transformers",
    "clantune.accelerate",
]

HIDDEN = re.compile(r"<!---.*?--->", re.DOTALL)
PROMPT = re.compile(r"^(?:>>> |\.\.\. |[+-])", re.MULTILINE)
IMPORT = re.compile(r"^ *from (clantune[\w.]*) import (\([^)]*\)|[^(\n]+)", re.MULTILINE)

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


def imported(page):
    """The module and the name of each import from ClanTune that a reader of a page sees."""
    code = PROMPT.sub("", HIDDEN.sub("", page.read_text("utf-8")))
    for module, names in IMPORT.findall(code):
        for name in re.sub(r"#.*", "", names).strip("()").replace("\n", ",").split(","):
            if name.strip():
                yield module, name.split()[0]


@pytest.fixture
def pages(committed_files):
    return [each for each in committed_files if each.suffix == ".md"]


@pytest.fixture
def shown(pages):
    """The modules and names that pages tell their readers to import."""
    return {each for page in pages for each in imported(page)}


@pytest.fixture
def documented(pages, root):
    """The names that the pages document."""
    docs = [page for page in pages if root / "docs" in page.parents]
    return [name for page in docs for name in ENTRY.findall(page.read_text("utf-8"))]


def is_module(module, name):
    """Whether `from module import name` gives a module, which nobody may have imported yet."""
    found = getattr(import_module(module), name, None) or import_module(f"{module}.{name}")
    return isinstance(found, ModuleType)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_in_the_reference_once(package, documented, shown):
    named = [name for name in documented if name.partition(".")[0] == package]
    told = {
        f"{module}.{name}"
        for module, name in shown
        if module.partition(".")[0] == package and not is_module(module, name)
    }
    assert sorted(named) == sorted(public_names(package).keys() | told)


def test_a_module_that_pages_import_has_all_its_names_in_the_reference(shown):
    ours = [each for each in shown if each[0].partition(".")[0] in PACKAGES]
    modules = {f"{module}.{name}" for module, name in ours if is_module(module, name)}
    assert modules
    assert modules <= {module for listed in PACKAGES.values() for module in listed}


def test_the_reference_has_no_other_package(documented):
    assert {name.partition(".")[0] for name in documented} == {*PACKAGES}


def test_every_distribution_is_in_the_reference(distributions, root):
    packages = {each.name for part in distributions for each in part.packages}
    assert packages - {"clantune", "clantune_compass"} == {*PACKAGES}


@pytest.mark.parametrize("module", REEXPORTS)
def test_what_the_umbrella_offers_is_in_the_reference_of_its_package(module, shown):
    known = {id(value) for package in PACKAGES for value in public_names(package).values()}
    offered = import_module(module)
    names = {*names_of(offered)} | {name for where, name in shown if where == module}
    assert [name for name in names if id(getattr(offered, name)) not in known] == []


def test_pages_import_from_the_umbrella_what_it_reexports(shown):
    umbrella = {module for module, _ in shown if module.partition(".")[0] == "clantune"}
    assert umbrella <= {*REEXPORTS}
