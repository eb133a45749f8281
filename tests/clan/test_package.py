"""The public names of the package, which are imported when they are used first."""

import subprocess
import sys

import pytest

import clantune_clan


@pytest.mark.parametrize("name", clantune_clan.__all__)
def test_every_public_name_exists(name):
    assert getattr(clantune_clan, name) is not None


def test_names_are_listed_before_their_first_use():
    code = "import clantune_clan, sys; print(*dir(clantune_clan)); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names, has_torch = done.stdout.splitlines()
    assert {*clantune_clan.__all__} <= {*names.split()}
    assert has_torch == "False"


def test_a_member_is_an_individual():
    assert clantune_clan.Member is clantune_clan.Individual


def test_another_name_is_an_error_of_python():
    with pytest.raises(AttributeError) as info:
        _ = clantune_clan.Clans
    assert str(info.value) == "module 'clantune_clan' has no attribute 'Clans'"
    with pytest.raises(ImportError, match="cannot import name 'Clans' from 'clantune_clan'"):
        exec("from clantune_clan import Clans")
