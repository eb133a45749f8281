"""What every distribution has, what the requirements name, and what no file may hold."""

import ast
import inspect
import os
import re
import subprocess
import tomllib
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

import clantune_core

UNWANTED = {
    "a home directory": r"(?<![\w.])/(root|home|Users)/\w",
    "a package registry": r"pypi\.org/simple|files\.pythonhosted\.org",
    "a password in an address": r"://[^/\s:@]+:[^/\s@]+@",
}
"""What a file that anyone may read says of the machine that it was written on."""


def unwanted(text):
    return [what for what, pattern in UNWANTED.items() if re.search(pattern, text)]


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(file):
    """The lines of a requirements file that say something."""
    lines = (line.partition("#")[0].strip() for line in file.read_text("utf-8").splitlines())
    return [line for line in lines if line]


# ---- Distributions ----


def test_every_distribution_is_complete(distribution):
    project = distribution.pyproject["project"]
    assert project["version"] == clantune_core.__version__
    assert project["license"] == "Apache-2.0"
    assert project["requires-python"] == ">=3.11"
    assert (distribution.directory / project["readme"]).read_text("utf-8").startswith("# ")
    assert distribution.packages
    for package in distribution.packages:
        assert package.name.startswith("clantune")
        assert (package / "__init__.py").is_file()
        assert (package / "py.typed").is_file()


def test_the_core_has_the_version_that_it_says(root):
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["name"] == "clantune-core"
    assert project["version"] == clantune_core.__version__
    assert "Apache License" in (root / "LICENSE").read_text("utf-8")


def test_requirements_install_every_distribution_and_no_other(distributions, root):
    lines = requirements(root / "requirements-dev.txt")
    assert "-c constraints.txt" in lines
    editable = [line.removeprefix("-e ").partition("[")[0] for line in lines if line[:2] == "-e"]
    assert len(editable) == len(distributions) > 1
    assert {(root / place).resolve() for place in editable} == {
        each.directory.resolve() for each in distributions
    }


def test_constraints_pin_exactly_everything_that_is_required(distributions, root):
    pins = requirements(root / "constraints.txt")
    assert "torch==2.13.0" in pins
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.+]+", pin)] == []
    pinned = [normal(pin.partition("==")[0]) for pin in pins]
    assert len(pinned) == len(set(pinned))
    asked = [line for line in requirements(root / "requirements-dev.txt") if line[0] != "-"]
    for each in distributions:
        project = each.pyproject["project"]
        asked += project["dependencies"]
        asked += [
            line for extra in project.get("optional-dependencies", {}).values() for line in extra
        ]
    names = {normal(re.match(r"[\w.-]+", line).group()) for line in asked}
    assert names - {normal(each.name) for each in distributions} <= set(pinned)


def test_every_pin_installs_on_the_first_python_of_the_range(root):
    pinned = {normal(pin.partition("==")[0]) for pin in requirements(root / "constraints.txt")}
    installed = [each for each in metadata.distributions() if normal(each.name) in pinned]
    assert len(installed) > 10
    refused = {
        each.name: wanted
        for each in installed
        if not SpecifierSet(wanted := each.metadata.get("Requires-Python", "")).contains("3.11.0")
    }
    assert refused == {}


# ---- Public names ----


def test_public_names_are_sorted_and_exist():
    names = clantune_core.__all__
    assert names == sorted(set(names))
    assert [name for name in names if not hasattr(clantune_core, name)] == []
    imported = {
        name
        for name, value in vars(clantune_core).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert imported == set(names)


def documented_assignments(package):
    """The names in a package's modules that have a string below them."""
    for file in package.glob("*.py"):
        body = ast.parse(file.read_text("utf-8")).body
        for statement, below in pairwise(body):
            match statement, below:
                case (
                    ast.Assign(targets=[ast.Name(id=name)]),
                    ast.Expr(value=ast.Constant(value=str())),
                ):
                    yield name


@pytest.mark.parametrize("name", clantune_core.__all__)
def test_a_public_name_is_documented(name):
    value = getattr(clantune_core, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        written = value.__dict__.get("__doc__") if inspect.isclass(value) else value.__doc__
        assert written
        assert not written.startswith(f"{name}(")  # that is what a NamedTuple says of itself
    else:
        assert name in documented_assignments(Path(clantune_core.__file__).parent)


# ---- Files ----


def test_the_tutorial_can_be_typed_at_the_prompt(root):
    text = (root / "docs/tutorial.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(?!>>>)(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 3
    # An empty line ends a class or a function there, and what is indented below it is an error.
    assert [block for block in blocks if re.search(r"\n\n+ ", block)] == []


def test_no_file_tells_of_the_machine_it_was_written_on(committed_files, root):
    found = {}
    for file in committed_files:
        try:
            text = file.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        if faults := unwanted(text):
            found[str(file.relative_to(root))] = faults
    assert len(committed_files) > 30
    assert found == {}


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("cd {}root/project", ["a home directory"]),
        ('"{}home/me/.cache"', ["a home directory"]),
        ("--index-url https:{0}{0}pypi.org{0}simple", ["a package registry"]),
        ("https:{0}{0}me:secret@example.org{0}x", ["a password in an address"]),
        ("https:{0}{0}example.org{0}home{0}page, docs/home/page, pypi.org/project/attrs", []),
    ],
)
def test_what_no_file_may_hold_is_seen(text, faults):
    assert unwanted(text.format("/")) == faults


def test_make_help_lists_every_target(root):
    makefile = (root / "Makefile").read_text("utf-8")
    targets = re.findall(r"^(\w[\w-]*):(?!=)", makefile, re.MULTILINE)
    assert {"demo", "test", "lint", "bench", "docs"} <= set(targets)
    phony = re.search(r"^\.PHONY:(.*)$", makefile, re.MULTILINE).group(1).split()
    assert sorted(phony) == sorted(targets)
    # Under `make test` the flags of the outer make would come along.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--no-print-directory", "help"]
    shown = subprocess.run(command, cwd=root, env=kept, capture_output=True, text=True, check=True)
    listed = dict(line.split(maxsplit=1) for line in shown.stdout.splitlines())
    assert sorted(listed) == sorted(targets)
