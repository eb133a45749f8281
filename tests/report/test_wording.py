"""Numbers, durations and lists as the page and the view say them, and what both call a limit."""

import math

import attrs
import pytest
from run_shapes import GENES, Shape, start

from clantune_clan.records import RunFile
from clantune_report.facts import Facts
from clantune_report.limits import genes_at_limit
from clantune_report.page.notes import notes_of
from clantune_report.watch.concerns import concerns_of
from clantune_report.watch.progress import progress_of
from clantune_report.watch.snapshot import Snapshot
from clantune_report.wording import counted, duration, listed, metric, number


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (0.0031, "3.1 ms"),
        (2.345, "2.3 s"),
        (12.345, "12 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (7500, "2 h 5 min"),
        (100_000, "1 d 3 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds, said):
    assert duration(seconds) == said


def test_a_list_ends_with_how_many_are_left_out():
    assert listed([]) == ""
    assert listed([1]) == "1"
    assert listed(range(3)) == "0, 1 and 2"
    assert listed(range(20), most=2) == "0 and 19 more"
    assert listed(range(9)) == "0, 1, 2, 3, 4, 5, 6 and 2 more"


def test_a_number_has_a_few_digits():
    assert [number(each) for each in (0.123456, 12_345, True, "a", None)] == [
        "0.1235",
        "12,345",
        "True",
        "a",
        "none",
    ]
    assert number(0.123456, 3) == "0.123"
    assert [metric(each) for each in (0.5, math.inf, math.nan)] == ["0.5", "failed", "failed"]
    assert [counted(each, "round") for each in (0, 1, 2000)] == [
        "0 rounds",
        "1 round",
        "2,000 rounds",
    ]


def at(path, lr):
    """Return what follows from a run whose members have these learning rates in the last round."""
    genes = {name: GENES[name] for name in ("lr", "plain", "fixed")}
    path.write_text(Shape(start(genes=genes)).rounds(3).text())
    run = RunFile.read(path)
    last = [
        attrs.evolve(each, genes={**each.genes, "lr": rate})
        for each, rate in zip(run.rounds[-1], lr, strict=True)
    ]
    return Facts(attrs.evolve(run, rounds=(*run.rounds[:-1], tuple(last))))


@pytest.mark.parametrize(
    ("lr", "limit"),
    [
        ([1.0, 0.95, 0.95, 0.5], {"lr": 1.0}),
        ([1e-5, 1.05e-5, 1.05e-5, 1e-3], {"lr": 1e-5}),
        ([1.0, 1.0, 0.5, 0.5], {}),
        ([1.0, 0.85, 0.85, 0.85], {}),
    ],
)
def test_the_page_and_the_view_name_the_same_genes_at_a_limit(lr, limit, tmp_path):
    facts = at(tmp_path / "run.jsonl", lr)
    assert genes_at_limit(facts) == limit
    snapshot = Snapshot(facts, 1000.0)
    concerns = concerns_of(snapshot, progress_of(facts.run, snapshot.pace, 1000.0))
    assert ("at the limit of the range: lr; a wider range may be better" in concerns) == bool(limit)
    noted = [note for note in notes_of(facts) if "at the limit of its range" in note]
    assert len(noted) == len(limit)
