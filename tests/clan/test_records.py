"""The file of a run: what it contains, and what another program reads from it."""

import json

import pytest
from small_clans import clan, loss, train

from clantune_clan import ClanError
from clantune_clan.records import RunFile, schedule_of
from clantune_core import LogFloatAllele


def finished_run(path, **options):
    it = clan(history=path, **({"total_steps": 12, "duty_cycle": 0.5} | options))
    while not it.finished:
        train(it.round())
        it.step(loss)
    return it


def test_a_file_has_the_settings_the_phases_the_rounds_and_the_end(tmp_path):
    it = finished_run(tmp_path / "run.jsonl")
    lines = [json.loads(line) for line in it.history.text().splitlines()]
    kinds = [line.get("event", "round") for line in lines]
    assert kinds == ["start", *["phase", "phase", "round"] * 3, "end"]
    found = RunFile.read(tmp_path / "run.jsonl")
    assert [(each.step, each.mode) for each in found.phases] == [
        (step, mode)
        for begin in (0, 4, 8)
        for step, mode in ((begin, "cooperative"), (begin + 2, "competitive"))
    ]
    assert [*map(list, found.rounds)] == [[record] for record in it.history]
    assert found.end is not None
    times = [found.start.time, *(each.time for each in found.phases), found.end.time]
    assert times == sorted(times)


def test_the_start_describes_the_run(tmp_path):
    it = finished_run(tmp_path / "run.jsonl", strategies="factorial", duty_cycle=None)
    start = RunFile.read(tmp_path / "run.jsonl").start
    assert (start.members, start.ranks, start.step) == (1, 1, 0)
    assert (start.recipe, start.inheritance, start.mode) == ("factorial", "mean", "min")
    assert (start.total_steps, start.round_length, start.duty_cycle) == (12, 4, 0.0)
    assert start.ramp == it.settings.ramp
    assert start.strategies == tuple(map(repr, it.settings.evolution.strategies))
    assert start.presets == ("adamw",)
    assert start.genes["lr"].value == 0.01
    assert isinstance(start.genes["lr"], LogFloatAllele)


def test_a_round_has_the_seconds_of_its_parts(tmp_path):
    it = finished_run(tmp_path / "run.jsonl")
    for record in it.history:
        assert {"cooperation", "competition", "evaluation", "fitness", "turnover"} <= {
            name for name, seconds in record.seconds.items() if seconds > 0.0
        }
        within = ("selection", "inheritance", "centre")
        assert sum(map(record.seconds.__getitem__, within)) <= record.seconds["turnover"]


def test_a_file_gives_the_schedule_that_the_clan_exports(tmp_path):
    for rule in ("factorial", "pbt"):
        path = tmp_path / f"{rule}.jsonl"
        it = finished_run(path, strategies=rule)
        it.export_schedule(tmp_path / "schedule.json")
        found = RunFile.read(path)
        exported = json.loads((tmp_path / "schedule.json").read_text())
        assert schedule_of(found.rounds, found.start) == exported


def test_a_run_that_goes_on_has_a_second_start(tmp_path):
    def make():
        return clan(history=tmp_path / "run.jsonl", checkpoints=tmp_path / "run", total_steps=12)

    it = make()
    train(it.round())
    it.step(loss)
    it.close()
    again = make()
    while not again.finished:
        train(again.round())
        again.step(loss)
    found = RunFile.read(tmp_path / "run.jsonl")
    assert [start.step for start in found.starts] == [0, 4]
    assert found.start.step == 4
    assert len(found.rounds) == 3


def test_a_line_that_is_being_written_is_left_out(tmp_path):
    it = finished_run(tmp_path / "run.jsonl")
    text = it.history.text()
    assert (
        RunFile.of(it.history.path, text + '{"event": "pha').rounds
        == RunFile.read(it.history.path).rounds
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", "this is not a line of JSON"),
        ('{"event": "party"}', "a run has no event 'party': read it with the ClanTune that"),
        ('{"event": "phase", "step": 3}', "this is not the phase of a run: "),
        ('{"event": "phase", "hour": 3}', "this is not the phase of a run: "),
        ('{"event": "start", "version": 7}', "the start of a run has version 1; this has 7"),
        ('{"event": "start", "version": 1}', "this is not the start of a run: 'genes'"),
        ('{"event": []}', r"a run has no event \[\]"),
        ("[3]", "a record of a round has version 1; this has None"),
        ('{"version": 1, "round": 3}', "this is not a record of a round: "),
    ],
)
def test_a_damaged_line_is_named(tmp_path, line, words):
    it = finished_run(tmp_path / "run.jsonl", total_steps=4)
    text = it.history.text()
    with pytest.raises(ClanError, match=rf"^run\.jsonl, line {text.count(chr(10)) + 1}: {words}"):
        RunFile.of(it.history.path.relative_to(tmp_path), f"{text}{line}\n")


def test_a_file_without_a_run_says_what_to_give(tmp_path):
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(ClanError, match=r"empty.jsonl has no run that has begun: give the file"):
        RunFile.read(tmp_path / "empty.jsonl")
    with pytest.raises(ClanError, match=r"none.jsonl cannot be read: "):
        RunFile.read(tmp_path / "none.jsonl")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(ClanError, match=r"bytes cannot be read: "):
        RunFile.read(tmp_path / "bytes")


ODD = (None, -1, 1.5, "x", [], {}, [[9, "x"]], True)


def test_a_value_of_another_type_is_refused_by_its_line_or_makes_no_difference(tmp_path):
    it = finished_run(tmp_path / "run.jsonl", total_steps=4)
    lines = it.history.text().splitlines()
    refused, read = [], 0
    for place, line in enumerate(lines):
        for name in (entry := json.loads(line)):
            for odd in ODD:
                changed = [*lines[:place], json.dumps(entry | {name: odd}), *lines[place + 1 :]]
                try:
                    RunFile.of(it.history.path, "\n".join(changed) + "\n")
                    read += 1
                except ClanError as error:
                    refused.append((place, str(error)))
    assert len(refused) > 200
    assert read < len(refused) / 3
    named = f"{it.history.path}, line "
    assert all(message.startswith(f"{named}{place + 1}: ") for place, message in refused)
