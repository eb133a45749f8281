"""What every distribution has, what the requirements name, and what no file may hold."""

import ast
import inspect
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

import clantune_core

UNWANTED = {
    "a home directory": r"(?<![\w.])/(root\b|(home|Users)/\w)|\b[A-Za-z]:[\\/]+Users\b",
    "a place on a machine": r"(?<![\w.])/(work|workspace|opt|tmp|var/(tmp|folders)|mnt|scratch)/\w",
    "a package registry": r":/{2}[^\s/]+(/[^\s/]+)*/simple(?![\w-])"
    r"|:/{2}(?!pypi\.org/(project|p)/)[^\s/]*(pypi|pythonhosted|artifact|nexus|registry|mirror)",
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
    for file in package.rglob("*.py"):
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
        ("C:\\{0}Users\\me", ["a home directory"]),
        ("cd {}root", ["a home directory"]),
        ("`{}work/main`", ["a place on a machine"]),
        ("source={}workspace/x", ["a place on a machine"]),
        ("{0}opt{0}python, {0}mnt/disk", ["a place on a machine"]),
        ("file:{0}{0}{0}tmp{0}x.json", ["a place on a machine"]),
        ("{0}var{0}folders{0}ab", ["a place on a machine"]),
        ("--index-url https:{0}{0}pypi.org{0}simple", ["a package registry"]),
        ("https:{0}{0}example.org:8080{0}python{0}simple{0}", ["a package registry"]),
        ("https:{0}{0}pypi.example.org{0}attrs", ["a package registry"]),
        ("http:{0}{0}artifacts.example.org", ["a package registry"]),
        ("http:{0}{0}mirror-3.example.org{0}x", ["a package registry"]),
        ("https:{0}{0}files.pythonhosted.org{0}x", ["a package registry"]),
        ("https:{0}{0}me:secret@example.org{0}x", ["a password in an address"]),
        ("https:{0}{0}example.org{0}home{0}page, docs/home/page, pypi.org/project/attrs", []),
        ("https:{0}{0}pypi.org{0}project{0}attrs, https:{0}{0}example.org{0}simple-words", []),
        ("a/work/b, ./tmp/x, root/y, {0}usr/bin/env, {0}root_of, tests{0}opt{0}x", []),
    ],
)
def test_what_no_file_may_hold_is_seen(text, faults):
    assert unwanted(text.format("/")) == faults


@pytest.mark.parametrize("place", ["CONTRIBUTING.md", "tests/README.md"])
def test_every_folder_of_tests_has_its_line(place, root, committed_files):
    inside = {
        file.relative_to(root / "tests").parts
        for file in committed_files
        if root / "tests" in file.parents
    }
    folders = {parts[0] for parts in inside if len(parts) > 1}
    lines = [line for line in (root / place).read_text("utf-8").splitlines() if line[:1] in "|-"]
    named = {name for line in lines for name in re.findall(r"`(?:tests/)?(\w+)/`", line)}
    assert folders <= named


@pytest.fixture
def make(root):
    """Run make by the Makefile of this repository."""
    # Under `make test` the flags of the outer make would come along.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}

    def run(*arguments, cwd=root):
        command = ["make", "--no-print-directory", "-f", str(root / "Makefile"), *arguments]
        return subprocess.run(
            command, cwd=cwd, env=kept, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize("statuses", [(0, 0, 0), (1, 0, 3), (0, 0, 1)])
def test_make_bench_runs_every_script_and_fails_at_the_end(make, tmp_path, statuses):
    scripts = tmp_path / "tests/benchmarks"
    scripts.mkdir(parents=True)
    (scripts / "_report.py").write_text("print('no script')")
    (tmp_path / "ready").touch()
    for place, each in enumerate(statuses):
        (scripts / f"s{place}.py").write_text(f"print('ran {place}')\nraise SystemExit({each})\n")
    python = Path(sys.executable)
    given = (f"BIN={python.parent}", f"PYTHON={python}", "READY=ready", "SETUP=")
    done = make("bench", *given, cwd=tmp_path)
    lines = [line for i in range(3) for line in (f"== tests/benchmarks/s{i}.py", f"ran {i}")]
    if failed := "".join(f" tests/benchmarks/s{i}.py" for i in range(3) if statuses[i]):
        lines.append(f"a bar does not hold, or there was an error:{failed}")
    assert done.stdout.splitlines() == lines
    assert done.returncode == (2 if failed else 0)  # of make itself, where a command says 1


def test_make_help_lists_every_target(make, root):
    makefile = (root / "Makefile").read_text("utf-8")
    targets = re.findall(r"^(\w[\w-]*):(?!=)", makefile, re.MULTILINE)
    assert {"demo", "test", "lint", "bench", "docs"} <= set(targets)
    phony = re.search(r"^\.PHONY:(.*)$", makefile, re.MULTILINE).group(1).split()
    assert sorted(phony) == sorted(targets)
    shown = make("help")
    assert shown.returncode == 0
    listed = dict(line.split(maxsplit=1) for line in shown.stdout.splitlines())
    assert sorted(listed) == sorted(targets)
