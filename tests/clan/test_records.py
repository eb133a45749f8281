"""The file of a run: what it contains, and what another program reads from it."""

import json
import re
from pathlib import Path

import attrs
import pytest
import torch
from run_shapes import GENES, Shape, start
from small_clans import clan, loss, model_and_optimizer, train

from clantune_clan import ClanError
from clantune_clan.records import RunFile, schedule_of
from clantune_clan.records.run_file import parsed
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


def test_the_start_names_the_schedulers_that_genes_multiply(tmp_path):
    model, optimizer = model_and_optimizer()
    options = {"model": model, "optimizer": optimizer}
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 4)
    finished_run(tmp_path / "run.jsonl", scheduler=scheduler, **options)
    assert RunFile.read(tmp_path / "run.jsonl").start.schedulers == ("StepLR",)
    finished_run(tmp_path / "other.jsonl")
    assert RunFile.read(tmp_path / "other.jsonl").start.schedulers == ()


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
        ('{"event": "start", "version": 7}', "the start of a run has version 1, but this has 7"),
        ('{"event": "start", "version": 1}', "this is not the start of a run: 'genes'"),
        ('{"event": []}', r"a run has no event \[\]"),
        ('{"round": 3}', "a record of a round has version 1, but this has None: read it with the"),
        ('{"version": 1, "round": 3}', "this is not a record of a round: "),
        ("[3]", "this is not a line of the file of a run: give the file that Clan"),
        ('{"loss": 1}', "this is not a line of the file of a run: give the file that Clan"),
        (f'{{"loss": {"9" * 5001}}}', "this is not a line of JSON: Exceeds the limit"),
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


# A text of digits stands for a number that Python writes only if it is allowed to.
ODD = (None, -1, 1.5, "x", [], {}, [[9, "x"]], True, 10**400, -(10**400), "9" * 5001)


def with_value(line, name, odd):
    """Return a line with another value of an entry."""
    text = odd if isinstance(odd, str) and odd.isdigit() else json.dumps(odd)
    changed = json.dumps(json.loads(line) | {name: "PLACE"})
    return changed.replace('"PLACE"', text)


def test_a_value_of_another_type_is_refused_by_its_line_or_makes_no_difference(tmp_path):
    it = finished_run(tmp_path / "run.jsonl", total_steps=4)
    lines = it.history.text().splitlines()
    refused, read = [], 0
    for place, line in enumerate(lines):
        for name in json.loads(line):
            for odd in ODD:
                changed = [*lines[:place], with_value(line, name, odd), *lines[place + 1 :]]
                try:
                    RunFile.of(it.history.path, "\n".join(changed) + "\n")
                    read += 1
                except ClanError as error:
                    refused.append((place, str(error)))
    assert len(refused) > 300
    assert read < len(refused) / 3
    for place, message in refused:
        # A start may be damaged so that a later line does not fit it.
        named = re.match(rf"{re.escape(str(it.history.path))}, line (\d+): ", message)
        assert named
        assert int(named[1]) == place + 1 or (place == 0 and "the file is damaged" in message)


def test_a_message_says_what_a_value_must_be():
    start = {"version": 1, "genes": {}, "time": 0, "step": 0, "members": 1, "ranks": 1, "recipe": 3}
    start |= {"strategies": [], "presets": [], "inheritance": "mean", "mode": "min"}
    start |= {"total_steps": None, "round_length": 1, "duty_cycle": 0, "ramp": {}}
    with pytest.raises(ClanError, match=r"recipe must be a text, but is 3$"):
        parsed(json.dumps({"event": "start", **start}))
    start |= {"recipe": "pbt", "schedulers": ['"""; import os']}
    with pytest.raises(ClanError, match=r"schedulers must be a list of names of classes, but is "):
        parsed(json.dumps({"event": "start", **start}))


# ---- records that do not fit together ----


def shaped(rounds=3, **options):
    """Return the lines of a run of four members."""
    return Shape(start(**options)).rounds(rounds).text().splitlines(keepends=True)


def place_of(lines, round_, member):
    """Return the place of a record."""
    for place, line in enumerate(lines):
        entry = json.loads(line)
        if (entry.get("round"), entry.get("member")) == (round_, member):
            return place
    raise AssertionError(f"no record of member {member} in round {round_}")


def refusal(lines):
    with pytest.raises(ClanError) as raised:
        RunFile.of(Path("run.jsonl"), "".join(lines))
    return str(raised.value)


@pytest.mark.parametrize(
    ("round_", "member", "changes", "problem"),
    [
        (0, 1, {"genes": {"lr": 0.1}}, "has the genes ['lr'], and not ['lr', "),
        (2, 0, {"lr": "x"}, "has an impossible value of gene 'lr': LogFloatAllele holds a number"),
        (1, 3, {"lr": -1.0}, "has an impossible value of gene 'lr': -1.0 is outside "),
        (1, 2, {"lr": 10**400}, "has an impossible value of gene 'lr': the number is too large"),
        (1, 2, {"mode": "odd"}, "has an impossible value of gene 'mode': "),
        (1, 2, {"steps": 9}, "has other steps than that of member 0"),
        (
            1,
            2,
            {"calibration": True},
            "differs from that of member 0 in whether the round is one of calibration",
        ),
        (1, 2, {"went_back_to": 0}, "differs from that of member 0 in the round that the clan"),
        (1, 0, {"went_back_to": 1}, "says that the clan went back to round 1, which is not before"),
        (1, 0, {"start": 11}, "starts in step 11, where the round before does not end"),
        (1, 3, {"member": 1}, "is there twice"),
        (1, 3, {"member": 4}, "is one too many: the last member is 3"),
        (1, 1, {"parents": [[4, 1.0]]}, "names member 4 in parents, and the last member is 3"),
        (1, 1, {"weights_from": 4}, "names member 4 in weights_from, and the last member is 3"),
        (1, 1, {"continues": 4}, "names member 4 in continues, and the last member is 3"),
    ],
)
def test_a_record_that_does_not_fit_is_named(round_, member, changes, problem):
    lines = shaped()
    place = place_of(lines, round_, member)
    entry = json.loads(lines[place])
    if changes.keys() <= entry["genes"].keys():
        changes = {"genes": entry["genes"] | changes}
    lines[place] = json.dumps(entry | changes) + "\n"
    named = f"the record of member {changes.get('member', member)} in round {round_} "
    told = refusal(lines)
    assert told.startswith(f"run.jsonl, line {place + 1}: {named}{problem}")
    assert told.endswith("; the file is damaged")


@pytest.mark.parametrize("member", range(4))
def test_a_record_that_is_lost_is_named(member):
    lines = shaped()
    place = place_of(lines, 1, member)
    del lines[place]
    lost = f"run.jsonl, line {place + 1}: round 1 lacks the record of member {member}; the file is"
    assert refusal(lines) == f"{lost} damaged"


def test_a_round_that_is_lost_is_told():
    lines = shaped()
    kept = [line for line in lines if json.loads(line).get("round") != 1]
    assert "the record of member 0 in round 2 follows round 0; the file is damaged" in refusal(kept)


def test_two_runs_in_one_file_are_told():
    lines = shaped()
    assert refusal([*lines, *lines]) == (
        f"run.jsonl, line {len(lines) + 1}: the file has two runs, and the second one begins here: "
        "write each run into a file of its own"
    )
    other = shaped(0, genes={"lr": GENES["lr"]}, step=30)
    assert f"line {len(lines) + 1}: the run goes on here with the genes ['lr'], " in refusal(
        [*lines, *other]
    )


def test_a_run_may_go_on_with_other_members_also_in_its_first_round():
    settings = start()
    fewer = attrs.evolve(settings, members=2)
    shape = Shape(settings).again(fewer).rounds(2, continues=[3, 1])
    run = RunFile.of(
        Path("run.jsonl"),
        shape.again(attrs.evolve(settings, step=20)).rounds(1, continues=[0, 1, 0, 1]).text(),
    )
    assert [len(records) for records in run.rounds] == [2, 2, 4]
    more = attrs.evolve(settings, step=10)
    unnamed = Shape(fewer).rounds(1).again(more).rounds(1).text().splitlines(keepends=True)
    assert (
        "member 2 in round 1 does not name the member of the round before that it continues"
        in refusal(unnamed)
    )


def test_a_round_that_is_being_written_is_left_out():
    lines = shaped(2)[:-1]
    for missing in range(1, 4):
        assert len(RunFile.of(Path("run.jsonl"), "".join(lines[:-missing])).rounds) == 1
