"""Damaged files: the page, the schedule and the view say what is wrong, or show what is there."""

import json
import random

import attrs
import pytest
from run_shapes import Shape, start

from clantune_clan.records import RunFile, schedule_of
from clantune_core import ClanTuneError
from clantune_report.facts import Facts
from clantune_report.formats import FORMATS
from clantune_report.page.page import page
from clantune_report.replay import Schedule
from clantune_report.watch.following import Follower
from clantune_report.watch.frame import frame
from clantune_report.watch.glyphs import BLOCKS
from clantune_report.watch.paper import Paper
from clantune_report.watch.snapshot import Snapshot


def shown_as_page(path):
    assert page(RunFile.read(path))


def shown_as_schedule(path):
    run = RunFile.read(path)
    rounds = [records for records in run.rounds if not records[0].calibration]
    if rounds:
        schedule = schedule_of(rounds, run.start)
        texts = {name: form(schedule, "run") for name, form in FORMATS.items()}
        path.with_suffix(".json").write_text(texts["json"])
        assert Schedule.read(path.with_suffix(".json")).rounds


def shown_as_frame(path):
    follower = Follower(path)
    follower.look()
    snapshot = Snapshot(Facts(follower.run), follower.written)
    assert frame(snapshot, 2000.0, Paper(width=80, height=24, glyphs=BLOCKS))


VIEWS = (shown_as_page, shown_as_schedule, shown_as_frame)


def refusal(view, path):
    """Return why a view refuses a file, or None. Another exception fails the test."""
    try:
        view(path)
    except ClanTuneError as error:
        return str(error)
    return None


HUGE = "9" * 5001
"""Digits of a number that Python does not read."""

ODD = (None, -1, 10**30, 10**400, 1.5, "x", [], {}, [[9, 1.0]], True, HUGE)


def with_value(line, change):
    """Return a line that a function has changed in place. A text of many digits is a number."""
    change(entry := json.loads(line))
    return json.dumps(entry).replace(f'"{HUGE}"', HUGE)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("inheritance", ["mean", "sampled"])
def test_an_odd_value_is_refused_or_makes_no_difference(view, inheritance, tmp_path):
    lines = Shape(start(inheritance=inheritance)).rounds(2).text().splitlines()
    drawn = random.Random(0)
    path, refused = tmp_path / "run.jsonl", []
    for _ in range(120):
        at = drawn.randrange(len(lines))
        name = drawn.choice([*json.loads(lines[at])])
        odd = drawn.choice(ODD)
        damaged = with_value(lines[at], lambda entry, n=name, o=odd: entry.update({n: o}))
        path.write_text("\n".join([*lines[:at], damaged, *lines[at + 1 :]]) + "\n")
        refused.append(refusal(view, path))
    told = [each for each in refused if each is not None]
    assert 40 < len(told) < len(refused)
    assert all(each.startswith(f"{path}, line ") for each in told)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("odd", [*ODD, "missing"])
def test_a_gene_of_an_odd_value_is_refused_or_makes_no_difference(view, odd, tmp_path):
    def change(entry):
        if odd == "missing":
            del entry["genes"]["lr"]
        else:
            entry["genes"]["lr"] = odd

    lines = Shape(start(inheritance="sampled")).rounds(2).text().splitlines()
    path = tmp_path / "run.jsonl"
    for at in (5, len(lines) - 3):
        damaged = with_value(lines[at], change)
        path.write_text("\n".join([*lines[:at], damaged, *lines[at + 1 :]]) + "\n")
        told = refusal(view, path)
        if odd in (1.5, 10**30):  # a number that a resumed run may have had
            assert told is None
        else:
            assert told is not None
            assert told.startswith(f"{path}, line {at + 1}: ")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("inheritance", ["mean", "sampled"])
def test_a_lost_line_is_refused_or_makes_no_difference(view, inheritance, tmp_path):
    lines = Shape(start(inheritance=inheritance)).rounds(3).text().splitlines(keepends=True)
    path = tmp_path / "run.jsonl"
    for at, line in enumerate(lines):
        path.write_text("".join([*lines[:at], *lines[at + 1 :]]))
        told = refusal(view, path)
        assert (told is not None) == (at == 0 or "round" in json.loads(line))


@pytest.mark.parametrize("view", VIEWS)
def test_two_runs_in_one_file_are_refused(view, tmp_path):
    text, path = Shape().rounds(2).text(), tmp_path / "run.jsonl"
    path.write_text(text * 2)
    second = text.count("\n") + 1
    assert refusal(view, path).startswith(
        f"{path}, line {second}: the file has two runs, and the second one begins here: "
    )


@pytest.mark.parametrize("view", VIEWS)
def test_a_file_is_shown_at_any_moment(view, tmp_path):
    text, path = Shape().rounds(2).text(), tmp_path / "run.jsonl"
    for length in (*range(text.index("\n") + 1, len(text), 397), len(text)):
        path.write_text(text[:length])
        assert refusal(view, path) is None


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("inheritance", ["mean", "sampled"])
def test_a_run_that_went_on_within_a_round_with_other_members_is_shown(view, inheritance, tmp_path):
    """The rest of the round is a round of its own, as the records of real ranks have it."""
    settings = start(inheritance=inheritance)
    shape = Shape(settings).rounds(2)
    shape.step = 26
    fewer = attrs.evolve(settings, members=3, step=26)
    again = attrs.evolve(fewer, step=28)  # interrupted once more, and with the same members
    shape.again(fewer).again(again).rounds(2, continues=[0, 1, 0])
    path = tmp_path / "run.jsonl"
    path.write_text(shape.text())
    assert refusal(view, path) is None
    shape.step += 1
    path.write_text(shape.rounds(1).text())
    assert "starts in step 47, where the round before does not end" in refusal(view, path)
