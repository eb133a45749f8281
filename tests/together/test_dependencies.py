"""Dependencies point one way, and importing the core loads little and does nothing."""

import ast
import json
import re
import subprocess
import sys

import pytest

import clantune_core
from clantune_core import command, contracts, new, testing

PUBLIC = {
    "clantune_core": clantune_core.__all__,
    "clantune_core.command": command.__all__,
    "clantune_core.contracts": contracts.__all__,
    "clantune_core.new": new.__all__,
    "clantune_core.testing": testing.__all__,
}
"""The modules that others may import, and the names in them."""

TESTERS = {"hypothesis", "pytest"}

NAMED_OTHERWISE = {"mlflow_skinny": "mlflow"}
"""Packages whose module has another name."""

EDGES = {
    "clantune-core": set(),
    "clantune-frameworks": {"clantune_clan", "clantune_core"},
    "clantune-report": {"clantune_clan", "clantune_core"},
    "clantune-neuro": {"clantune_core", "clantune_strategies"},
    "clantune-store": {"clantune_core", "clantune_strategies"},
}
"""What a distribution asks for of ours, if that is not the core alone."""


def imported(file):
    """Every absolute import in a file, at whatever depth, as (module, names taken out of it)."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module, tuple(alias.name for alias in node.names)


def foreign_packages(files):
    """What the files import that is not in the standard library, by its top-level name."""
    packages = {module.partition(".")[0] for file in files for module, _ in imported(file)}
    return packages - sys.stdlib_module_names


def private_imports(file):
    """What a file takes from the core that the core does not promise to keep."""
    for module, names in imported(file):
        if module.partition(".")[0] != "clantune_core":
            continue
        if module not in PUBLIC:
            yield module
        yield from (
            f"{module}.{name}"
            for name in names
            if module in PUBLIC and name not in PUBLIC[module] and f"{module}.{name}" not in PUBLIC
        )


def in_kit(file, distribution):
    """Whether a file belongs to what its distribution offers to tests."""
    return "testing" in file.relative_to(distribution.directory).with_suffix("").parts


def declared(requirements):
    """The packages that requirements such as `attrs>=23.2` ask for, as they are imported."""
    names = (re.match(r"[\w.-]+", line).group() for line in requirements)
    modules = (re.sub(r"[-.]", "_", name).lower() for name in names)
    return {NAMED_OTHERWISE.get(module, module) for module in modules}


def test_every_distribution_imports_only_what_it_asks_for(distribution):
    project = distribution.pyproject["project"]
    extras = project.get("optional-dependencies", {}).items()
    wanted = [line for extra, lines in extras if extra != "testing" for line in lines]
    own = {package.name for package in distribution.packages}
    assert distribution.modules
    assert foreign_packages(
        file for file in distribution.modules if not in_kit(file, distribution)
    ) <= own | declared([*project["dependencies"], *wanted])


def test_the_core_asks_for_attrs_cattrs_and_pluggy_alone(distributions):
    (core,) = (each for each in distributions if each.is_core)
    project = core.pyproject["project"]
    assert declared(project["dependencies"]) == {"attrs", "cattrs", "pluggy"}
    assert declared(project["optional-dependencies"]["testing"]) == TESTERS


def test_only_the_testing_kit_of_the_core_imports_what_tests_need(distributions):
    (core,) = (each for each in distributions if each.is_core)
    kit = [file for file in core.modules if in_kit(file, core)]
    others = [file for file in core.modules if not in_kit(file, core)]
    assert len(kit) > 1
    assert len(others) > 10
    assert foreign_packages(others) == {"attrs", "cattrs", "clantune_core", "pluggy"}
    assert TESTERS <= foreign_packages(kit) <= TESTERS | {"attrs", "clantune_core"}
    imports_the_kit = {
        file.relative_to(core.directory).as_posix()
        for file in others
        if any(".testing" in module for module, _ in imported(file))
    }
    # Of `clantune check`: the first imports it to check, the second for types alone.
    assert imports_the_kit == {
        "clantune_core/command/checking.py",
        "clantune_core/command/verdicts.py",
    }


def test_the_check_command_loads_the_kit_only_to_check():
    assert "hypothesis" not in loaded_packages(after("import clantune_core.command.checking"))


def test_plugins_ask_for_the_core_and_only_the_umbrella_for_plugins(distribution):
    asked = declared(distribution.pyproject["project"]["dependencies"])
    ours = {name for name in asked if name.startswith("clantune")}
    if distribution.name != "clantune":
        assert ours == EDGES.get(distribution.name, {"clantune_core"})


def test_outside_packages_use_only_what_is_public(distributions):
    outside = [each for each in distributions if not each.is_core]
    files = [file for each in outside for file in sorted(each.directory.rglob("*.py"))]
    assert any(module == "clantune_core" for file in files for module, _ in imported(file))
    assert {file: names for file in files if (names := [*private_imports(file)])} == {}


@pytest.mark.parametrize(
    ("line", "private"),
    [
        ("from clantune_core.data.plain import freeze", ["clantune_core.data.plain"]),
        ("from clantune_core import trees", ["clantune_core.trees"]),
        ("import clantune_core.genome", ["clantune_core.genome"]),
        ("from clantune_core.testing import laws, given", ["clantune_core.testing.given"]),
        ("from clantune_core import Genome, testing", []),
    ],
)
def test_a_private_import_is_seen(tmp_path, line, private):
    file = tmp_path / "plugin.py"
    file.write_text(f"import clantune_corelike, os\nfrom . import here\ndef f():\n    {line}\n")
    assert [*private_imports(file)] == private
    assert foreign_packages([file]) == {"clantune_core", "clantune_corelike"}


# ---- In a process of its own ----

PROBE = """
import gc, json, logging, os, random, signal, sys, threading, warnings
before = set(sys.modules)
known = lambda: [
    dict(os.environ), random.getstate(), [*map(str, warnings.filters)], threading.active_count(),
    logging.root.handlers[:], sys.meta_path[:], sys.path[:], sys.excepthook,
    [signal.getsignal(number) for number in sorted(signal.valid_signals())],
]
state = known()
{code}
import pluggy
print(json.dumps({{
    "modules": sorted(set(sys.modules) - before),
    "changed": [i for i, (old, new) in enumerate(zip(state, known())) if old != new],
    "managers": sum(issubclass(type(o), pluggy.PluginManager) for o in gc.get_objects()),
    "kinds": sorted(clantune_core.alleles.registered_kinds()),
}}))
"""


def after(code):
    """What an interpreter that ran nothing but this has loaded, changed and registered."""
    command = [sys.executable, "-c", PROBE.format(code=code)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def loaded_packages(found):
    return {module.partition(".")[0] for module in found["modules"]} - sys.stdlib_module_names


NEEDED = {"attr", "attrs", "clantune_core", "pluggy"}
FOR_DOCUMENTS = {"cattr", "cattrs", "typing_extensions"}


def test_importing_the_core_loads_what_it_needs_and_nothing_else():
    found = after("import clantune_core")
    assert {"attrs", "clantune_core", "pluggy"} <= loaded_packages(found) <= NEEDED
    assert not [module for module in found["modules"] if "clantune_core.testing" in module]
    assert "importlib.metadata" not in found["modules"]  # so no entry point was looked up


def test_the_first_document_loads_what_documents_need():
    found = after("import clantune_core; clantune_core.Genome().serialize()")
    assert {"cattrs"} <= loaded_packages(found) - NEEDED <= FOR_DOCUMENTS


def test_importing_the_core_has_no_effect():
    found = after("import clantune_core")
    assert found["changed"] == []
    assert found["managers"] == 0
    assert found["kinds"] == ["bool", "float", "int", "log_float", "logit_float", "string"]


def test_listing_strategies_imports_no_plugin():
    found = after("import clantune_core; assert clantune_core.strategies()")
    assert loaded_packages(found) <= NEEDED
    assert "importlib.metadata" in found["modules"]


def test_a_plugin_and_an_effect_are_seen():
    found = after("import clantune_compass, clantune_core.testing")
    assert loaded_packages(found) >= {"clantune_compass", "hypothesis"}
    assert "angle" in found["kinds"]
    found = after(
        "import clantune_core, pluggy; kept = pluggy.PluginManager('mine'); "
        "random.random(); os.environ['SEEN'] = 'yes'"
    )
    assert found["changed"] == [0, 1]
    assert found["managers"] == 1
