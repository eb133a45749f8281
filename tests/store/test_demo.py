"""The demonstration, in a small form."""

import json

import pytest

from clantune_store import Store
from clantune_store.command import main

pytest.importorskip("plotly")


def test_the_demonstration_runs_its_program_and_names_the_report(tmp_path, capsys):
    folder = tmp_path / "demo"
    arguments = ["demo", "--folder", str(folder), "--rounds", "1", "--children", "1", "--json"]
    assert main(arguments, "clantune store") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["report"] == str(folder / "report.html")
    assert (folder / "report.html").stat().st_size > 1_000_000
    assert [each["way"] for each in said["searches"]] == ["bred", "random"]
    for each in said["searches"]:
        assert (each["groups"], each["runs"]) == (2, 4)
        assert 0 < each["best"] <= each["first"] < 8
        with Store(each["path"]) as store:
            assert store.group("base").number == 1
    assert main(arguments, "clantune store") == 2
    assert capsys.readouterr().err == (
        f"clantune store demo: {folder / 'report.html'} is there already: give another --folder\n"
    )
