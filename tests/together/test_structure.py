"""The structure of each distribution: modules are short, and do not import in a circle."""

import ast
from graphlib import CycleError, TopologicalSorter

import pytest

LONGEST = 300
"""Lines of a module."""


def module_names(distribution):
    """Return the files of a distribution by the names of their modules."""
    found = {}
    for package in distribution.packages:
        for file in sorted(package.rglob("*.py")):
            parts = file.relative_to(package.parent).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports_of(node, modules):
    """Return the modules that a module imports, also inside functions, but for types alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            for alias in child.names:  # a module of a package, or a name in a module
                name = f"{child.module}.{alias.name}"
                yield name if name in modules else child.module
        yield from imports_of(child, modules)


def graph_of(modules):
    """Return the modules that each module imports."""
    return {
        name: ({*imports_of(ast.parse(file.read_text("utf-8")), modules)} & modules.keys()) - {name}
        for name, file in modules.items()
    }


def test_modules_do_not_import_in_a_circle(distribution):
    try:
        order = [*TopologicalSorter(graph_of(module_names(distribution))).static_order()]
    except CycleError as error:
        pytest.fail(f"modules import in a circle: {' -> '.join(error.args[1])}")
    assert order


def test_a_circle_is_found_also_inside_a_function(tmp_path):
    (tmp_path / "a.py").write_text("import b\n")
    (tmp_path / "b.py").write_text("def late():\n    from a import x\n    return x\n")
    modules = {"a": tmp_path / "a.py", "b": tmp_path / "b.py"}
    with pytest.raises(CycleError):
        [*TopologicalSorter(graph_of(modules)).static_order()]


def test_modules_are_short(distribution):
    lengths = {
        str(file): len(file.read_text("utf-8").splitlines())
        for file in module_names(distribution).values()
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
