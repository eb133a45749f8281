"""The command `clantune`: its help, its list, and the commands of other packages."""

import json
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import clantune_core
from clantune_core.command import main

ROOT = Path(__file__).parents[2]

NIGHT = """
    import sys

    def main(arguments, program):
        \"\"\"Work at night.

        More is said here.
        \"\"\"
        print(program, arguments)
        return 7

    def undocumented(arguments, program):
        return 0
"""


def listed(capsys, *options):
    assert main(["list", "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


# ---- Commands of packages ----


def test_a_command_of_a_package_is_run_with_what_follows_it(own_site, capsys):
    own_site.install("night", NIGHT, commands={"night": "night:main"})
    assert main(["night", "--hour", "3", "--help"]) == 7
    assert capsys.readouterr().out == "clantune night ['--hour', '3', '--help']\n"


def test_an_unknown_command_suggests_the_nearest(capsys):
    assert main(["lits"]) == 2
    message = capsys.readouterr().err
    assert message.startswith("clantune: no command is called 'lits'; did you mean 'list'? ")


@pytest.fixture
def _core_alone(monkeypatch):
    """As if clantune-core were the only installed package with commands."""
    found = metadata.distribution("clantune-core").entry_points
    monkeypatch.setattr(metadata, "entry_points", found.select)


@pytest.mark.parametrize(
    ("name", "home"),
    [
        ("demo", "clantune"),
        ("launch", "clantune-clan"),
        ("neuro", "clantune-neuro"),
        ("report", "clantune-report"),
        ("store", "clantune-store"),
    ],
)
@pytest.mark.usefixtures("_core_alone")
def test_a_command_of_a_package_that_is_not_installed_names_the_package(name, home, capsys):
    assert main([name]) == 2
    assert capsys.readouterr().err == (
        f"clantune: command {name!r} is in {home}, which is not installed: pip install {home}\n"
    )


@pytest.mark.usefixtures("_core_alone")
def test_a_misspelt_command_may_be_in_any_package_of_clantune(capsys):
    assert main(["reprot"]) == 2
    assert capsys.readouterr().err == (
        "clantune: no command is called 'reprot'; did you mean 'report'? Installed: check, list, "
        "new-kind, new-preset, new-recipe, new-strategy. If a package offers it, pip install that "
        "package; ClanTune's own are in clantune, clantune-clan, clantune-core, clantune-neuro, "
        "clantune-report, clantune-store\n"
    )


def test_a_command_that_cannot_be_imported_is_named(own_site, capsys):
    own_site.install("night", "import no_such_module", commands={"night": "night:main"})
    assert main(["night"]) == 2
    assert capsys.readouterr().err == (
        "clantune: command 'night' of night cannot be imported: ModuleNotFoundError: No module "
        "named 'no_such_module'; fix or uninstall that package, or switch it off: "
        "CLANTUNE_DISABLE_PLUGINS=night\n"
    )


def test_a_command_of_two_packages_is_refused(own_site, capsys):
    for name in ("night-north", "night-south"):
        module = name.replace("-", "_")
        own_site.install(name, NIGHT, commands={"night": f"{module}:main"})
    assert main(["night"]) == 2
    assert "installed by 2 distributions: night-north, night-south" in capsys.readouterr().err


def test_an_interrupted_command_ends_with_130(own_site, capsys):
    own_site.install(
        "night", "def main(*_): raise KeyboardInterrupt", commands={"night": "night:main"}
    )
    assert main(["night"]) == 130
    assert capsys.readouterr().err == "clantune night: interrupted\n"


# ---- Help ----


def test_help_names_every_command_and_what_it_does(own_site, capsys):
    own_site.install("night", NIGHT, commands={"night": "night:main", "x": "night:undocumented"})
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    printed = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert printed.startswith("usage: clantune [-h] [--version] COMMAND ...\n")
    assert (
        "list List the strategies, recipes, presets and kinds of alleles that are installed."
        in lines
    )
    assert "new-strategy Write a package with a strategy of your own." in lines
    assert "night Work at night." in lines
    assert "x night" in lines  # nothing is said of it, so it says where it comes from


def test_no_command_at_all_shows_the_help(capsys):
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("usage: clantune ")


def test_the_version_is_that_of_the_core(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"{clantune_core.__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list"], ["list", "--json"], ["list", "--help"]]
)
def test_help_and_list_import_no_plugin_and_no_torch(site, arguments):
    site.install(
        "night", NIGHT, commands={"night": "night:main"}, presets={"nightly": "night:main"}
    )
    printed = site.run(
        f"""
        import sys
        before = {{*sys.modules}}
        from clantune_core.command import main

        try:
            main({arguments!r})
        except SystemExit:
            pass
        new = {{name.partition(".")[0] for name in {{*sys.modules}} - before}}
        print("imported:", sorted(new - sys.stdlib_module_names))
        """
    )
    imported = printed.rpartition("imported: ")[2]
    assert imported == "['attr', 'attrs', 'clantune_core', 'pluggy']"
    assert len(printed) > 200


# ---- The list ----


def test_what_is_installed_is_listed_with_its_package_and_version(own_site, capsys):
    own_site.install("night", NIGHT, version="2.5", presets={"nightly": "night:main"})
    assert main(["list"]) == 0
    sections = capsys.readouterr().out.split("\n\n")
    assert [section.split()[:2] for section in sections] == [
        [title, "package"] for title in ("strategies", "recipes", "presets", "alleles", "commands")
    ]
    rows = [" ".join(line.split()) for section in sections for line in section.splitlines()]
    for row in (
        "gust clantune-compass 0.1.0",
        "nightly night 2.5",
        "angle clantune-compass 0.1.0",
        f"float clantune-core {clantune_core.__version__}",
        f"list clantune-core {clantune_core.__version__}",
    ):
        assert row in rows


def test_the_list_as_json(own_site, capsys):
    own_site.install("night", NIGHT, version="2.5", recipes={"nightly": "night:main"})
    found = listed(capsys)
    assert [*found] == ["strategies", "recipes", "presets", "alleles", "commands"]
    assert {"name": "nightly", "distribution": "night", "version": "2.5"} in found["recipes"]
    kinds = {each["name"] for each in found["alleles"] if each["distribution"] == "clantune-core"}
    assert kinds == {"bool", "float", "int", "log_float", "logit_float", "string"}
    assert all("hooks" not in each for each in found["strategies"])


def test_hooks_are_listed_on_request(own_site, capsys):
    (gust,) = (e for e in listed(capsys, "--hooks")["strategies"] if e["name"] == "gust")
    assert gust["hooks"] == ["handle_mutating"]
    assert main(["list", "--hooks"]) == 0
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "strategies package hooks" in rows
    assert "gust clantune-compass 0.1.0 handle_mutating" in rows


def test_a_package_that_cannot_be_imported_does_not_hide_the_others(own_site, capsys):
    own_site.install("gale", "import no_such_module", strategies={"gale": "gale:Gale"})
    assert main(["list", "--hooks"]) == 1
    printed = capsys.readouterr()
    assert "gust" in printed.out
    assert "gale" in printed.out
    assert printed.err.startswith(
        "clantune list: strategy 'gale' of gale cannot be imported: ModuleNotFoundError: "
    )


def test_what_is_switched_off_is_not_listed(monkeypatch, capsys):
    monkeypatch.setenv("CLANTUNE_DISABLE_PLUGINS", "clantune-compass")
    found = listed(capsys)
    assert all(e["distribution"] != "clantune-compass" for each in found.values() for e in each)


def test_every_kind_of_the_core_is_an_entry_point():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = project["entry-points"]["clantune.alleles"]
    kinds = {
        name: kind
        for name, kind in clantune_core.alleles.registered_kinds().items()
        if kind.__module__.startswith("clantune_core.alleles.")
    }
    assert named == {name: f"clantune_core:{kind.__name__}" for name, kind in kinds.items()}
