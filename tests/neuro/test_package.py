"""The public names of the package."""

import subprocess
import sys

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
