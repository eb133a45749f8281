"""`clantune new-strategy`, `new-kind`, `new-recipe` and `new-preset` write packages that work.

Strategies and recipes are tried in an environment of their own. What that needs is fetched by pip,
at the versions of constraints.txt. The core comes from a wheel, so that a template that is missing
there is missed here. Presets need torch, and are tried beside what is installed.
"""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from clantune_core import ClanTuneError, new
from clantune_core.command import main
from clantune_core.new.beginnings import compatible_versions
from clantune_core.new.names import LONGEST

ROOT = Path(__file__).parents[2]
KINDS = ["mutation", "selection", "crossbreeding"]
WHAT = [*KINDS, "kind", "recipe", "preset"]
CLASSES = [*KINDS, "kind"]
GROUPS = {
    **dict.fromkeys(KINDS, "strategies"),
    "kind": "alleles",
    "recipe": "recipes",
    "preset": "presets",
}


def run(*command, cwd, **variables):
    """Run a command; return what it printed, or fail with all that it said."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,  # its own error would not show what was printed
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


# ---- In an environment of its own ----


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """The programs of a fresh environment with the core, strategies, and nothing else of ours."""
    place = tmp_path_factory.mktemp("elsewhere")
    wheel = ("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", place)
    run(sys.executable, "-m", *wheel, ROOT, ROOT / "plugins/strategies", cwd=place)
    venv.create(place / "venv", with_pip=True)
    programs = place / "venv/bin"
    core, strategies = sorted(place.glob("*.whl"))
    wheels = (f"{core}[testing]", strategies)
    install = ("pip", "install", "--quiet", "-c", ROOT / "constraints.txt", *wheels)
    run(programs / "python", "-m", *install, cwd=place)
    return programs


@pytest.mark.parametrize("what", [what for what in WHAT if what != "preset"])
def test_what_it_writes_installs_is_found_and_passes_its_tests_and_lint(what, elsewhere, tmp_path):
    variables = {
        "PATH": f"{elsewhere}{os.pathsep}{os.environ['PATH']}",
        "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
        "FAST": "1",
    }
    command = ["new-strategy", "--kind", what] if what in KINDS else [f"new-{what}"]
    printed = run(elsewhere / "clantune", *command, f"my-{what}", cwd=tmp_path)

    # The three commands, as they are printed.
    steps = printed.partition("next:\n")[2].splitlines()
    assert [step.split()[0] for step in steps] == ["cd", "python", "python"]
    tested = run("sh", "-ec", "\n".join(steps), cwd=tmp_path, **variables)
    assert re.search(r"\d+ passed in", tested.splitlines()[-1])

    listed = json.loads(run(elsewhere / "clantune", "list", "--json", "--hooks", cwd=tmp_path))
    found = {each["name"]: each for group in listed.values() for each in group}
    assert found[f"my-{what}"]["distribution"] == f"clantune-my-{what}"
    assert what not in KINDS or len(found[f"my-{what}"]["hooks"]) == 1
    assert "gust" not in found

    package = tmp_path / f"clantune-my-{what}"
    cache = elsewhere.parent.parent / "mypy"  # one for all, which read the same libraries
    mypy = ("mypy", "--python-executable", elsewhere / "python", "--cache-dir", cache)
    run(sys.executable, "-m", *mypy, cwd=package)  # as its own settings say
    run(sys.executable, "-m", *mypy, "--strict", ".", cwd=package)
    check_form(package)


def test_a_preset_that_it_writes_is_found_and_passes_its_tests_and_lint(tmp_path):
    package = new.write_package("my-preset", what="preset", into=tmp_path)
    site = tmp_path / "site"
    install = ("pip", "install", "--quiet", "--no-deps", "--target", site, package)
    run(sys.executable, "-m", *install, cwd=tmp_path)
    tested = run(sys.executable, "-m", "pytest", cwd=package, PYTHONPATH=str(site))
    assert re.search(r"\d+ passed in", tested.splitlines()[-1])
    run(sys.executable, "-m", "mypy", "--cache-dir", ROOT / ".mypy_cache", cwd=package)
    check_form(package)


def check_form(package):
    for check in (("format", "--check"), ("check",)):
        run(sys.executable, "-m", "ruff", *check, "--no-cache", ".", cwd=package)


# ---- What is written ----


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("name", ["x", "a-1-b-2", "n" * LONGEST])
def test_the_form_of_the_code_depends_on_no_name(name, what, tmp_path):
    check_form(new.write_package(name, what=what, into=tmp_path))


@pytest.mark.parametrize("what", WHAT)
def test_a_package_is_complete(what, tmp_path):
    folder = new.write_package("night-shift", what=what, into=tmp_path, author='Ada "A\\B" Ö.')
    assert folder == tmp_path / "clantune-night-shift"
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert files == {
        ".github/workflows/test.yml",
        ".gitignore",
        "LICENSE",
        "README.md",
        "clantune_night_shift/__init__.py",
        "clantune_night_shift/night_shift.py",
        "clantune_night_shift/py.typed",
        "pyproject.toml",
        "tests/conftest.py",
        "tests/test_night_shift.py",
    }
    assert [*tmp_path.iterdir()] == [folder]
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["authors"] == [{"name": 'Ada "A\\B" Ö.'}]
    group = f"clantune.{GROUPS[what]}"
    made = "NightShift" if what in CLASSES else "night_shift"
    assert project["entry-points"] == {group: {"night-shift": f"clantune_night_shift:{made}"}}
    assert (folder / "LICENSE").read_text("utf-8") == (ROOT / "LICENSE").read_text("utf-8")


def test_what_its_workflow_runs_is_what_its_readme_says(tmp_path):
    folder = new.write_package("night-shift", into=tmp_path)
    workflow = (folder / ".github/workflows/test.yml").read_text("utf-8")
    develop = (folder / "README.md").read_text("utf-8").partition("## Develop")[2]
    said = re.findall(r"^\$ (.*)$", develop, re.MULTILINE)
    ran = re.findall(r"^ +- run: (.*)$", workflow, re.MULTILINE)
    assert sorted(ran) == sorted(c.replace("ruff format .", "ruff format --check .") for c in said)
    assert "${{ matrix.python }}" in workflow


def test_a_package_asks_for_what_the_core_asks_for(tmp_path):
    written = new.write_package("night-shift", into=tmp_path) / "pyproject.toml"
    package, core = (
        tomllib.loads(file.read_text("utf-8"))["project"]
        for file in (written, ROOT / "pyproject.toml")
    )
    attrs, clantune_core = package["dependencies"]
    assert attrs in core["dependencies"]
    assert clantune_core == f"clantune-core{compatible_versions(core['version'])}"
    assert package["requires-python"] == core["requires-python"]
    assert "authors" not in package


@pytest.mark.parametrize(
    ("version", "versions"),
    [("0.1.0", ">=0.1.0,<0.2"), ("0.12.3.dev1", ">=0.12.3.dev1,<0.13"), ("1.2.3", ">=1.2.3,<2")],
)
def test_versions_are_compatible_up_to_the_next_that_may_break(version, versions):
    assert compatible_versions(version) == versions


def test_the_beginnings_are_those_that_are_tried():
    assert [*new.BEGINNINGS] == WHAT


def test_the_documentation_shows_what_is_printed(monkeypatch, tmp_path, capsys):
    page = (ROOT / "docs/write_a_strategy.md").read_text("utf-8")
    shown = r"^```console\n\$ clantune (new-strategy .*?)^```"
    (block,) = re.findall(shown, page, re.MULTILINE | re.DOTALL)
    arguments, _, output = block.partition("\n")
    monkeypatch.chdir(tmp_path)
    assert main(arguments.split()) == 0
    assert capsys.readouterr().out == output


# ---- The commands ----


@pytest.mark.parametrize("command", ["new-strategy", "new-kind", "new-recipe", "new-preset"])
def test_help_names_every_option(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: clantune {command} ")
    options = [*KINDS, "--kind"] if command == "new-strategy" else []
    assert all(option in shown for option in [*options, "--into", "--author", "NAME"])


@pytest.mark.parametrize("what", ["kind", "recipe", "preset"])
def test_each_command_writes_what_it_is_called(what, tmp_path, capsys):
    assert main([f"new-{what}", "night-shift", "--into", str(tmp_path)]) == 0
    assert f"clantune-night-shift, a package with a {what}:\n" in capsys.readouterr().out
    module = tmp_path / "clantune-night-shift/clantune_night_shift/night_shift.py"
    assert module.read_text("utf-8").startswith(f'"""A {what} that ')


def test_a_place_with_a_space_is_one_that_the_shell_can_go_to(tmp_path, capsys):
    place = tmp_path / "my work"
    place.mkdir()
    assert main(["new-strategy", "night-shift", "--into", str(place)]) == 0
    assert f"  cd '{place}/clantune-night-shift'\n" in capsys.readouterr().out


def test_importing_the_core_does_not_import_it():
    code = "import clantune_core, sys; print('clantune_core.new' in sys.modules)"
    assert run(sys.executable, "-c", code, cwd=ROOT) == "False\n"


# ---- Refusals ----

FORM = "use lower-case letters, digits and single hyphens, a letter first, such as"
OTHER = "choose another name"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("NightShift", f"'NightShift' cannot name a strategy; {FORM} 'night-shift'"),
        ("night_shift", f"'night_shift' cannot name a strategy; {FORM} 'night-shift'"),
        ("day--shift", f"'day--shift' cannot name a strategy; {FORM} 'day-shift'"),
        ("../day", f"'../day' cannot name a strategy; {FORM} 'day'"),
        ("day\n", f"'day\\n' cannot name a strategy; {FORM} 'day'"),
        ("2nd", f"'2nd' cannot name a strategy; {FORM} 'night-shift'"),
        ("größe", f"'größe' cannot name a strategy; {FORM} 'gr-e'"),
        ("", f"'' cannot name a strategy; {FORM} 'night-shift'"),
        (
            "clantune-day",
            "'clantune-day' begins with 'clantune-', which is added to every name; write 'day'",
        ),
        ("d" * 33, f"'{'d' * 33}' has 33 characters; a name has 32 at most"),
        ("lambda", f"'lambda' cannot be imported: lambda is a keyword of Python; {OTHER}"),
        ("none", f"'none' cannot be imported: None is a keyword of Python; {OTHER}"),
        (
            "test-drive",
            f"'test-drive' would make a class TestDrive, which pytest takes for a test; {OTHER}",
        ),
        ("genome", f"'genome' would make a class Genome, which is something else already; {OTHER}"),
        (
            "warning",
            f"'warning' would make a class Warning, which is something else already; {OTHER}",
        ),
        ("gust", f"a strategy 'gust' is installed already, by clantune-compass; {OTHER}"),
        ("store", "'store' is the name of a package of ClanTune; choose another name"),
        ("core", f"a module clantune_core can be imported already; {OTHER}"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(name, message, tmp_path, capsys):
    assert main(["new-strategy", name, "--into", str(tmp_path)]) == 2
    assert capsys.readouterr() == ("", f"clantune new-strategy: {message}\n")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("what", WHAT)
def test_nothing_can_have_a_name_that_the_package_imports(what, tmp_path):
    folder = new.write_package("night-shift", what=what, into=tmp_path)
    imported = {
        alias.asname or alias.name
        for file in folder.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    } - {"NightShift", "night_shift"}
    taken = {name for name in imported if name[0].isupper() == (what in CLASSES)}
    assert taken
    for each in taken:
        name = re.sub(r"(?<=.)(?=[A-Z])", "-", each).lower().replace("_", "-")
        with pytest.raises(ClanTuneError, match=f"would make a (class|function) {each}, "):
            new.write_package(name, what=what, into=tmp_path)


def test_a_folder_that_exists_is_left_alone(tmp_path, capsys):
    folder = tmp_path / "clantune-night-shift"
    folder.mkdir()
    (folder / "mine.txt").write_text("precious")
    assert main(["new-strategy", "night-shift", "--into", str(tmp_path)]) == 2
    message = f"{folder} exists already; move it away, or choose another name"
    assert capsys.readouterr() == ("", f"clantune new-strategy: {message}\n")
    assert [file.name for file in folder.iterdir()] == ["mine.txt"]


def test_a_place_that_does_not_exist_is_refused(tmp_path, capsys):
    place = tmp_path / "nowhere"
    assert main(["new-strategy", "night-shift", "--into", str(place)]) == 2
    message = f"there is no folder {place} to write the package into"
    assert capsys.readouterr() == ("", f"clantune new-strategy: {message}\n")
    assert not place.exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"what": "mutating"},
            f"a package cannot begin with 'mutating'; use one of {', '.join(WHAT)}",
        ),
        ({"author": "A\nB"}, "an author's name is one line of text; got 'A\\nB'"),
    ],
)
def test_what_cannot_be_written_is_refused(given, message, tmp_path):
    with pytest.raises(ClanTuneError) as refused:
        new.write_package("night-shift", into=tmp_path, **given)
    assert str(refused.value) == message
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("fault", "raised", "message"),
    [
        (OSError(28, "No space left on device"), ClanTuneError, "{}: No space left on device"),
        (KeyboardInterrupt("stop"), KeyboardInterrupt, "stop"),
    ],
)
def test_nothing_half_written_is_left(fault, raised, message, tmp_path, monkeypatch):
    whole = Path.write_text

    def write(path, *args, **kwargs):
        if path.suffix == ".toml":
            raise fault
        return whole(path, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", write)
    with pytest.raises(raised) as refused:
        new.write_package("night-shift", into=tmp_path)
    folder = tmp_path / "clantune-night-shift"
    assert str(refused.value) == message.format(f"{folder} cannot be written")
    assert [*tmp_path.iterdir()] == []
