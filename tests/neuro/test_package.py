"""The public names of the package."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import clantune_neuro


@pytest.mark.parametrize("name", clantune_neuro.__all__)
def test_every_public_name_exists(name):
    assert getattr(clantune_neuro, name).__name__ == name


def test_another_name_does_not_exist():
    with pytest.raises(AttributeError) as info:
        clantune_neuro.Nothing  # noqa: B018
    assert str(info.value) == "module 'clantune_neuro' has no attribute 'Nothing'"


def test_the_package_alone_does_not_import_torch():
    code = "import clantune_neuro, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_kind_alone_reads_blueprints():
    code = "from clantune_neuro import LineageAllele as A; print(A.kind, A.check_domain.__name__)\n"
    code += "try:\n A('x', {})\nexcept Exception as e: print(type(e).__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "lineage check_domain\nBlueprintError\n"


def imports():
    """Return what each module of the package imports of it, also for types alone."""
    root = Path(clantune_neuro.__file__).parent
    files = {}
    for file in root.rglob("*.py"):
        path = file.relative_to(root.parent).with_suffix("")
        files[".".join(path.parts).removesuffix(".__init__")] = file
    return {name: imported(file, files) - {name} for name, file in files.items()}


def imported(file, known):
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if type(node) is ast.ImportFrom]
    pairs = [(node.module, f"{node.module}.{one.name}") for node in nodes for one in node.names]
    return {name if name in known else module for module, name in pairs} & known.keys()


def test_imports_of_modules_have_no_cycle():
    modules = imports()
    del modules["clantune_neuro"]  # it names what users import, when they use it
    assert len([*TopologicalSorter(modules).static_order()]) == len(modules)


def test_packages_depend_on_earlier_ones_alone():
    order = ["noise", "lineage", "replay", "operators", "networks", "tasks", "evaluation"]
    for module, found in imports().items():
        package = module.split(".")[1:2]
        for other in found if package and package[0] in order else ():
            name = other.split(".")[1]
            assert name not in order[order.index(package[0]) + 1 :], f"{module} imports {other}"
