"""`clantune watch`: frames as text, the file that it follows, and the command on a terminal."""

import contextlib
import json
import math
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import attrs
import pyte
import pytest
from small_clans import clan, loss, train

from clantune_clan import RoundRecord
from clantune_clan.ramp import Ramp
from clantune_clan.records import PhaseStart, RunEnd, RunStart
from clantune_clan.records.events import as_data
from clantune_core import BoolAllele, IntAllele, LogFloatAllele, StringAllele
from clantune_report.command.watch import main
from clantune_report.facts import Facts
from clantune_report.watch.following import Follower
from clantune_report.watch.frame import frame, message
from clantune_report.watch.glyphs import ASCII, BLOCKS
from clantune_report.watch.paper import Paper
from clantune_report.watch.snapshot import Snapshot
from clantune_report.watch.sparkline import sparkline

BEGIN, LENGTH, SECONDS = 1_000_000.0, 50, 10.0
LR = LogFloatAllele(1e-3, (1e-6, 1.0))
DECAY = LogFloatAllele(0.1, (1e-4, 10.0))
GENES = {"lr": LR, "weight_decay": DECAY, "beta": attrs.evolve(DECAY, can_mutate=False)}


def start(**changes):
    given = {
        "time": BEGIN,
        "step": 0,
        "members": 4,
        "ranks": 4,
        "recipe": "factorial",
        "strategies": ["Everyone()"],
        "presets": ["adamw"],
        "inheritance": "mean",
        "mode": "min",
        "total_steps": 1000,
        "round_length": LENGTH,
        "duty_cycle": 0.2,
        "ramp": Ramp(0, 1000, 100.0, 200.0),
        "genes": GENES,
    }
    return RunStart(**(given | changes))


def values(round_, member):
    return {"lr": 1e-3 * 1.2**round_ * (1 + 0.1 * member), "weight_decay": 0.1, "beta": 0.9}


def records(settings, round_, **changes):
    """Return the records of a round, in which member 1 is the best one."""
    members = settings.members
    by_mean = settings.inheritance == "mean"
    return [
        RoundRecord(
            **{
                "round": round_,
                "start": round_ * LENGTH,
                "steps": LENGTH,
                "member": m,
                "calibration": False,
                "genome": f"{round_}/{m}",
                "genes": {name: values(round_, m).get(name) for name in settings.genes},
                "learning_rates": [1e-3],
                "metric": 2.0 * 0.9**round_ + 0.01 * abs(m - 1),
                "centre": 2.0 * 0.9**round_ if by_mean else None,
                "parents": [(p, 1 / members) for p in range(members)] if by_mean else [(1, 1.0)],
                "weights_from": None if by_mean else 1 if m == 3 else m,
                "seconds": {"cooperation": 6.0, "competition": 2.0, "evaluation": 1.5},
            }
            | {name: change(m) for name, change in changes.items()}
        )
        for m in range(members)
    ]


def phases(round_, *, number=2):
    """Return the starts of the phases of a round."""
    step, begin = round_ * LENGTH, BEGIN + round_ * SECONDS
    both = [
        PhaseStart(time=begin, step=step, mode="cooperative"),
        PhaseStart(time=begin + 6.0, step=step + 40, mode="competitive"),
    ]
    return both[:number]


def entries(settings, rounds, **changes):
    """Return what the file of a run has after so many rounds, and the phase of the next one."""
    found = [settings]
    for round_ in range(rounds):
        found += [*phases(round_), *records(settings, round_, **changes)]
    return [*found, *phases(rounds, number=1)]


def lines(found):
    data = [e.as_data() if isinstance(e, RoundRecord) else as_data(e) for e in found]
    return "".join(json.dumps(each) + "\n" for each in data)


def facts_of(path, found):
    path.write_text(lines(found))
    follower = Follower(path)
    assert follower.look()
    return Snapshot(Facts(follower.run), follower.written)


def shown(facts, seconds, width=80, height=24, glyphs=BLOCKS):
    """Return a frame as text, so many seconds after the start of the run."""
    drawn = frame(
        attrs.evolve(facts, written=BEGIN),
        BEGIN + seconds,
        Paper(width=width, height=height, glyphs=glyphs),
    )
    return [line.plain.rstrip() for line in drawn]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(tmp_path):
    return tmp_path.relative_to(tmp_path) / "run.jsonl"


def text(block):
    return [line.rstrip() for line in block.strip("\n").splitlines()]


def test_a_frame_shows_the_round_the_members_and_the_time_left(run):
    drawn = shown(facts_of(run, entries(start(recipe="cautious"), 12)), 123)
    assert drawn == text("""
run.jsonl                                                  running for 2 min 3 s
cautious, 4 members, mean weights, rounds of 50 steps, presets adamw
round 12: cooperation, 12 of 20 rounds done, step about 618 of 1000
███████████████████████████████████░░░░░░░░░░░░░░░░░░░░░░░  62%, 1 min 16 s left

  member  loss                    lr                      weight_decay
  centre  ██▇▆▆▅▄▃▃▂▁▁   0.6276   ▁▂▂▃▄▄▅▅▆▇▇█   0.0085   ▄▄▄▄▄▄▄▄▄▄▄▄   0.1
  0       ██▇▆▆▅▄▃▃▂▁▁   0.6376   ▁▁▂▂▃▄▄▅▆▆▇█   0.00743  ▄▄▄▄▄▄▄▄▄▄▄▄   0.1
* 1       ██▇▆▆▅▄▃▃▂▁▁   0.6276   ▁▁▂▃▃▄▅▅▆▇▇█   0.00817  ▄▄▄▄▄▄▄▄▄▄▄▄   0.1
  2       ██▇▆▆▅▄▃▃▂▁▁   0.6376   ▁▂▂▃▄▄▅▆▆▇██   0.00892  ▄▄▄▄▄▄▄▄▄▄▄▄   0.1
  3       ██▇▆▆▅▄▄▃▂▁▁   0.6476   ▁▂▃▃▄▅▅▆▇▇██   0.00966  ▄▄▄▄▄▄▄▄▄▄▄▄   0.1

best     loss 0.6276, centre, round 11
weights  after round 11: the mean of all members
fixed    beta 0.9
""")
    page = Path(__file__).parents[2] / "docs/clan/watch.md"
    assert "\n".join(drawn) in page.read_text(encoding="utf-8")


def test_a_frame_in_ascii_on_a_narrow_terminal_has_two_tables(run):
    facts = facts_of(run, entries(start(inheritance="dominant"), 5))
    assert shown(facts, 55, width=50, glyphs=ASCII) == text("""
run.jsonl                         running for 55 s
factorial, 4 members, dominant weights, rounds of
50 steps, presets adamw
round 5: cooperation, 5 of 20 rounds done, step
about 281 of 1000
#######.....................  28%, 2 min 24 s left

  member   loss                lr
  lineage  #+-._      1.312    _,-+*      0.00228
  0        #+=,_      1.322    _.,=+      0.00207
* 1        #+-._      1.312    _,-+*      0.00228
  2        #+=,_      1.322    .,=+#      0.00249
  3        #*=,_      1.332    ,-+*#      0.0027
  member   weight_decay
  lineage  -----      0.1
  0        -----      0.1
* 1        -----      0.1
  2        -----      0.1
  3        -----      0.1

best     loss 1.312, member 1, round 4
weights  after round 4: 3 from 1; the others keep
         theirs
fixed    beta 0.9
""")


def failing(member, *, of=math.inf):
    return of if member == 2 else 1.0 + 0.1 * member


CHOICES = ("cosine", "linear", "a schedule with a long name")
DISCRETE = {
    "flag": BoolAllele(True),
    "kind": StringAllele("cosine", CHOICES),
    "layers": IntAllele(3, (1, 8)),
    "lr": LR,
}


def discrete(member):
    return {"flag": member % 2 == 0, "kind": CHOICES[member % 3], "layers": 3, "lr": 1e-3}


def calibrating(rounds, then=0):
    """Return the entries of a run that begins with a search for the learning rate."""
    settings = start(ramp=Ramp(60, 1000, 94.0, 188.0))
    found = [settings]
    for round_ in range(rounds):
        searched = {"calibration": True, "parents": (), "weights_from": None, "centre": None}
        placed = {"start": 20 * round_, "steps": 20}
        found.append(PhaseStart(time=BEGIN + 4 * round_, step=20 * round_, mode="competitive"))
        found += [attrs.evolve(r, **searched, **placed) for r in records(settings, round_)]
    for round_ in range(rounds, rounds + then):
        begin = 60 + LENGTH * (round_ - rounds)
        found.append(PhaseStart(time=BEGIN + 10 * round_, step=begin, mode="cooperative"))
        found += [attrs.evolve(r, start=begin) for r in records(settings, round_)]
    return found


def resumed(rounds):
    """Return the entries of a run of four members that goes on with two."""
    before = entries(start(), 2)[:-1]
    again = start(time=BEGIN + 500, step=100, members=2, ranks=2)
    found = entries(again, 2 + rounds, continues=lambda m: m if rounds else None)[1:]
    return [*before, again, *(shifted(e, 500) for e in found if step_of(e) >= 100)]


def step_of(entry):
    return entry.start if isinstance(entry, RoundRecord) else entry.step


def shifted(entry, seconds):
    return attrs.evolve(entry, time=entry.time + seconds) if hasattr(entry, "time") else entry


RUNS = {
    "just begun": entries(start(), 0),
    "mean": entries(start(), 12),
    "dominant": entries(start(inheritance="dominant"), 12),
    "one member": entries(start(members=1, ranks=1), 5),
    "64 members": entries(start(members=64, ranks=128, inheritance="sampled"), 5),
    "200 rounds": entries(start(total_steps=10_000, ramp=Ramp(0, 10_000, 0.0, 0.0)), 199),
    "failing": entries(start(inheritance="dominant"), 4, metric=failing),
    "all lost": entries(start(inheritance="dominant"), 4, metric=lambda m: math.inf),
    "went back": [
        attrs.evolve(e, went_back_to=1) if isinstance(e, RoundRecord) and e.round == 3 else e
        for e in entries(start(), 4)
    ],
    "score": entries(start(mode="max", inheritance="dominant"), 4, metric=lambda m: 0.5 + m / 10),
    "negative": entries(start(), 4, metric=lambda m: -1.0 - m, centre=lambda m: -2.0),
    "no genes": entries(start(genes={}), 4),
    "discrete": entries(start(genes=DISCRETE), 4, genes=discrete),
    "unknown length": entries(start(total_steps=None, ramp=Ramp()), 4),
    "calibrating": calibrating(2),
    "calibrated": calibrating(3, then=2),
    "resumed": resumed(0),
    "resumed and gone on": resumed(3),
    "complete": entries(start(total_steps=200), 4)[:-1],
    "in its last round": entries(start(total_steps=200, duty_cycle=0.0), 3),
    "of unknown length, ended": [
        *entries(start(total_steps=None, ramp=Ramp()), 4),
        RunEnd(time=BEGIN + 45),
    ],
    "ended early": [*entries(start(), 4), RunEnd(time=BEGIN + 45)],
    "strange names": entries(
        start(recipe="a \x1b[2J recipe", genes={"größe": LR}), 4, genes=lambda m: {"größe": 1e-3}
    ),
}


@pytest.mark.parametrize("kind", RUNS)
@pytest.mark.parametrize("glyphs", [BLOCKS, ASCII], ids=["blocks", "ascii"])
def test_a_frame_of_any_run_fits_a_terminal_of_any_size(run, kind, glyphs):
    facts = facts_of(run, RUNS[kind])
    for width, height in [(80, 24), (1, 1), (9, 5), (20, 60), (40, 12), (80, 9), (300, 90)]:
        drawn = shown(facts, 2345, width, height, glyphs)
        assert len(drawn) <= height
        assert max(map(len, drawn)) <= width
        assert glyphs is BLOCKS or "".join(drawn).isascii()
        assert "\x1b" not in "".join(drawn)


@pytest.mark.parametrize(
    ("kind", "seconds", "expected"),
    [
        ("just begun", 4, "round 0: cooperation, 0 of 20 rounds done, step 0 of 1000"),
        ("just begun", 4, "0%, time left: known after a round"),
        ("dominant", 123, "  lineage  ██▇▆▆▅▄▃▃▂▁▁  0.6276 "),
        ("dominant", 123, "best     loss 0.6276, member 1, round 11"),
        ("dominant", 123, "weights  after round 11: 3 from 1; the others keep theirs"),
        ("one member", 52, "! with one member nothing is compared, so no gene changes"),
        (
            "64 members",
            52,
            "factorial, 64 members on 128 ranks, sampled weights, rounds of 50 steps",
        ),
        ("64 members", 52, "  median   ▇▆▅▄▃         1.612 "),
        ("200 rounds", 1995, "round 199: cooperation, 199 of 200 rounds done, step about 9981 of"),
        ("failing", 41, "  2        xxxx          failed"),
        ("failing", 41, "! member 2 failed in round 3: its loss is not finite"),
        ("all lost", 41, "! members 0, 1, 2 and 3 failed in round 3: their loss is not finite"),
        (
            "all lost",
            41,
            "weights  after round 3: all go back to the best weights so far, since all",
        ),
        (
            "went back",
            41,
            "weights  after round 3: all go back to the weights of round 1, since the",
        ),
        ("score", 41, "* 3        ████          0.8 "),
        ("score", 41, "best     score 0.8, member 3, round 0"),
        ("negative", 41, "* 3       ▁▁▁▁           -4 "),
        ("no genes", 41, "* 1       █▆▃▁                 1.458"),
        ("discrete", 41, "linear"),
        ("discrete", 41, "a schedule …"),
        ("unknown length", 43, "round 4: cooperation, 4 rounds done, step about 218"),
        ("unknown length", 43, "36% of the round, 6.4 s left"),
        ("calibrating", 5, "calibration round 2 begins, 0 of 18 rounds done, step 40 of 1000"),
        (
            "calibrating",
            5,
            "weights  after round 1: all go back to the first weights, for calibration",
        ),
        ("calibrated", 55, "round 5 begins, 2 of 18 rounds done, step 160 of 1000"),
        ("calibrated", 55, "best     loss 1.312, centre, round 4"),
        (
            "resumed",
            525,
            "factorial, 2 members, mean weights, rounds of 50 steps, presets adamw, resumed",
        ),
        ("resumed", 525, "  3       █▁             1.82"),
        ("resumed and gone on", 555, "5 of 20 rounds done"),
        ("complete", 9999, "4 of 4 rounds done, step 200 of 200"),
        ("complete", 9999, "finished after"),
        (
            "in its last round",
            39,
            "round 3: cooperation, 3 of 4 rounds done, step about 200 of 200",
        ),
        ("of unknown length, ended", 9999, "finished after 45 s"),
        ("ended early", 9999, "ended at step 200 of 1000"),
        ("ended early", 9999, "! the run ended before its last step; it may be resumed"),
    ],
)
def test_a_frame_says(run, kind, seconds, expected):
    drawn = shown(facts_of(run, RUNS[kind]), seconds)
    assert any(expected in line for line in drawn), "\n".join(drawn)


def test_many_members_are_shown_on_a_terminal_that_is_high_enough(run):
    facts = facts_of(run, RUNS["64 members"])
    drawn = shown(facts, 52, height=None)
    assert [line[2:4].strip() for line in drawn if re.match(r"[* ] \d", line)] == [
        str(member) for member in range(64)
    ]
    assert sum(line.startswith("* ") for line in drawn) == 1
    assert len(shown(facts, 52)) < 24


def test_what_does_not_fit_is_counted(run):
    drawn = shown(facts_of(run, RUNS["mean"]), 123, height=12)
    assert drawn[-5:] == [
        "(3 lines more in a higher terminal)",
        "",
        "best     loss 0.6276, centre, round 11",
        "weights  after round 11: the mean of all members",
        "fixed    beta 0.9",
    ]


def test_a_run_that_writes_nothing_for_long_is_silent(run):
    facts = facts_of(run, RUNS["mean"])
    assert "running for" in shown(facts, 180)[0]
    drawn = shown(facts, 120 + 720)
    assert drawn[0].endswith(" silent")
    said = "! the run has written nothing for 12 min, and a round takes 10 s: has it stopped?"
    assert said in re.sub(r"\s+", " ", " ".join(drawn))
    assert not any("left" in line for line in drawn)


def test_a_gene_at_the_limit_of_its_range_is_named(run):
    found = entries(start(), 3)
    at_end = {"lr": 1e-6, "weight_decay": 10.0, "beta": 10.0}
    found[-5:-1] = [attrs.evolve(record, genes=at_end) for record in found[-5:-1]]
    drawn = shown(facts_of(run, found), 33)
    assert "! at the limit of the range: lr and weight_decay; a wider range may be better" in drawn


def test_a_note_that_does_not_fit_says_how_much_is_left_out(run):
    sampled = start(members=64, ranks=64, inheritance="sampled")
    found = entries(sampled, 2, weights_from=lambda m: m // 2)
    first, second, after = shown(facts_of(run, found), 21)[-3:]
    assert first.startswith("weights  after round 1: 1 from 0; 2 and 3 from 1; 4 and 5 from 2; 6 ")
    told = re.fullmatch(r" {9}.* from (\d+); and (\d+) more", second)
    assert told
    assert int(told[1]) + int(told[2]) == 31 + 1  # of 32 parents, and those who keep theirs
    assert after.startswith("fixed")
    many = {f"gene {number}": attrs.evolve(LR, can_mutate=False) for number in range(30)}
    held = dict.fromkeys(many, 0.5)
    drawn = shown(facts_of(run, entries(start(genes=many), 2, genes=lambda m: held)), 21)
    assert re.fullmatch(r" {9}gene \d.*, and \d+ more", drawn[-1])
    long = {"x" * 300: attrs.evolve(LR, can_mutate=False)}
    held = dict.fromkeys(long, 0.5)
    drawn = shown(facts_of(run, entries(start(genes=long), 2, genes=lambda m: held)), 21)
    assert drawn[-1].endswith("x…")


def test_a_mean_without_the_member_that_failed_names_the_others(run):
    parents = [(0, 0.5), (1, 0.25), (3, 0.25)]
    found = entries(start(), 4, metric=failing, parents=lambda m: parents)
    drawn = shown(facts_of(run, found), 41)
    assert "weights  after round 3: the mean of members 0, 1 and 3" in drawn
    found = entries(start(members=2), 4, parents=lambda m: [(m, 1.0)])
    drawn = shown(facts_of(run, found), 41)
    assert "weights  after round 3: 0 from 0; 1 from 1" in drawn


def test_the_time_between_rounds_counts_unless_the_run_was_interrupted(run):
    slow = [shifted(e, step_of(e)) for e in entries(start(), 4)]  # a second longer for each step
    facts = facts_of(run, slow)
    assert facts.pace.whole == pytest.approx(1.2)
    assert facts.pace.training == pytest.approx(0.16)
    facts = facts_of(run, resumed(1))
    assert facts.pace.whole == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("heights", "width", "expected"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"),
        ([0, 0, 7, 7], 2, "▁█"),
        ([0, 7, None, math.inf], 9, "▁█ x"),
        ([0, math.nan, None, 7, None], 3, "▁x█"),
        ([], 5, ""),
        ([1, 2], 0, ""),
    ],
)
def test_a_sparkline_has_a_character_for_each_value_or_group(heights, width, expected):
    assert sparkline(heights, 0.0, 7.0, width, BLOCKS) == expected


def test_a_follower_reads_only_what_was_appended(run):
    found = entries(start(), 2)
    follower = Follower(run)
    assert not follower.look()
    run.write_text(lines(found))
    assert follower.look()
    assert not follower.look()
    content = run.read_bytes()
    last = content.splitlines(keepends=True)[-1]
    run.write_bytes(b"?" * (len(content) - len(last)) + last)  # reading it again would fail
    new = lines(records(found[0], 2))
    with run.open("a") as file:
        file.write(new[:-9])
        file.flush()
        assert follower.look()  # the whole lines, but not yet the round
        assert len(follower.run.rounds) == 2
        assert not follower.look()
        file.write(new[-9:])
    assert follower.look()
    assert [len(round_) for round_ in follower.run.rounds] == [4, 4, 4]


def test_a_follower_begins_again_when_the_file_is_replaced_cut_or_deleted(run):
    follower = Follower(run)
    for found in [entries(start(), 5), entries(start(), 3), resumed(0), entries(start(), 1)]:
        run.write_text(lines(found))
        assert follower.look()
        assert follower.run == type(follower.run).read(run)
    run.unlink()
    assert follower.look()
    assert follower.run is None
    assert not follower.look()


def test_a_follower_shows_a_real_run_and_its_resumption(run, tmp_path):
    follower = Follower(tmp_path / "run.jsonl")
    for step in (4, 8):
        it = clan(history=follower.path, checkpoints=tmp_path / "saved", total_steps=12)
        train(it.round())
        it.step(loss)
        assert follower.look()
        drawn = shown(Snapshot(Facts(follower.run), time.time()), time.time() - BEGIN)
        assert any(line.endswith(f"step {step} of 12") for line in drawn)
        assert ("resumed at step 4" in " ".join(drawn)) == (step == 8)
        it.close()


@pytest.fixture
def watch(capsys):
    def call(*arguments):
        status = main([*map(str, arguments)], "clantune watch")
        return status, *capsys.readouterr()

    return call


def test_without_a_terminal_the_command_prints_one_frame(run, watch):
    settings = start(total_steps=200)
    found = [*entries(settings, 4)[:-1], RunEnd(time=BEGIN + 41)]
    facts = facts_of(run, found)
    expected = "\n".join(shown(facts, 99, height=None, glyphs=BLOCKS)) + "\n"
    assert "finished after 41 s" in expected
    for arguments in ([run], [run, "--once"], [run.parent]):
        assert watch(*arguments) == (0, expected, "")


def test_the_command_refuses_what_is_not_a_run(run, watch, tmp_path):
    (tmp_path / "a.jsonl").touch()
    (tmp_path / "b.jsonl").write_text('{"version": 1}\n')
    (tmp_path / "c.jsonl").write_text(lines(entries(start(), 1)[1:]))
    (tmp_path / "d.jsonl").write_text(lines(entries(start(), 1)) + "nonsense\n")
    (tmp_path / "e.jsonl").write_bytes(lines([start()]).encode() + b"\xff\n")
    (tmp_path / "f.jsonl").write_text(lines([start(), *records(start(), 0)[1:]]))
    (tmp_path / "empty").mkdir()
    for place, problem in {
        "none.jsonl": "none.jsonl does not exist: give the file that Clan(history=...) names",
        "empty": "empty has no file of a run (*.jsonl): give the one that Clan(history=...) names",
        "a.jsonl": "no run has begun in a.jsonl: start it first",
        "b.jsonl": "b.jsonl, line 1: this is not a record of a round: ",
        "c.jsonl": "c.jsonl, line 1: the file of a run begins with its start: give the file that "
        "Clan(history=...) names",
        "d.jsonl": "d.jsonl, line 9: this is not a line of JSON: ",
        "e.jsonl": "e.jsonl, line 2: this is not a line of JSON: 'utf-8' codec can't decode",
        "f.jsonl": "f.jsonl, line 2: round 0 lacks the record of member 0; the file is damaged",
        ".": ". has several files of runs: a.jsonl, d.jsonl, e.jsonl and f.jsonl; give one of them",
    }.items():
        status, printed, error = watch(place)
        assert (status, printed) == (2, "")
        assert error.startswith(f"clantune watch: {problem}"), error


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "inf"])
def test_the_command_refuses_an_interval_that_is_no_time(run, watch, interval):
    assert watch(run, f"--interval={interval}") == (
        2,
        "",
        "clantune watch: --interval is a number of seconds, more than 0\n",
    )


def test_the_command_refuses_unknown_arguments(watch, capsys):
    for arguments in ([], ["run.jsonl", "--fast"], ["run.jsonl", "--interval", "often"]):
        with pytest.raises(SystemExit) as ended:
            watch(*arguments)
        assert ended.value.code == 2
        assert "clantune watch: error: " in capsys.readouterr().err


def everything(reader):
    content = b""
    while select.select([reader], [], [], 0)[0]:
        content += os.read(reader, 65536)
    return content


@pytest.mark.parametrize(
    ("environment", "encoding", "is_plain", "is_ascii"),
    [
        ({"TERM": "dumb", "LANG": "en_US.UTF-8"}, "utf-8", True, False),
        ({"TERM": "xterm", "LANG": "C", "LC_CTYPE": "C.UTF-8"}, "utf-8", False, True),
        ({"TERM": "xterm", "LC_ALL": "POSIX"}, "utf-8", False, True),
        ({"TERM": "xterm", "LANG": "C.UTF-8"}, "ascii", False, True),
        ({"TERM": "xterm", "LANG": "C.UTF-8", "NO_COLOR": "1"}, "utf-8", False, False),
        ({"TERM": "xterm", "LANG": "C.UTF-8"}, "utf-8", False, False),
    ],
)
def test_a_terminal_gets_what_it_can_show(
    run, monkeypatch, environment, encoding, is_plain, is_ascii
):
    run.write_text(lines(RUNS["failing"]))
    for name in ("LC_ALL", "LC_CTYPE", "LANG", "NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, setting in environment.items():
        monkeypatch.setenv(name, setting)
    reader, writer = pty.openpty()
    with open(writer, "w", encoding=encoding) as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        given = [] if environment["TERM"] == "dumb" else ["--once"]
        assert main([str(run), *given], "clantune watch") == 0
        terminal.flush()
        printed = everything(reader).decode()
        assert printed.isascii() == is_ascii
        assert ("\x1b[" not in printed) == is_plain
        has_colours = re.search(r"\x1b\[(\d+;)*3\d", printed) is not None
        assert has_colours == (not is_plain and "NO_COLOR" not in environment)
        assert "failed" in printed
    os.close(reader)


STARTED = """
import os, sys
os.close(os.open(os.ttyname(0), os.O_RDWR))  # a session takes the first terminal that it opens
from clantune_report.command.watch import main
sys.exit(main(sys.argv[1:], "clantune watch"))
"""


SIZE = ("COLUMNS", "LINES")


class Terminal:
    """A real pseudo-terminal with a command in it, and what a person sees on it."""

    def __init__(self, *arguments, columns=80, lines=24):
        self.screen = pyte.Screen(columns, lines)
        self.stream, self.bytes = pyte.ByteStream(self.screen), b""
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (lines, columns))
        self.settings = termios.tcgetattr(slave)
        # pytest-xdist sets a size in the environment, which counts more than that of the terminal.
        usual = {name: held for name, held in os.environ.items() if name not in SIZE}
        self.process = subprocess.Popen(
            [sys.executable, "-c", STARTED, *map(str, arguments)],
            **dict.fromkeys(("stdin", "stdout", "stderr"), slave),
            start_new_session=True,
            env={**usual, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
        )
        self.slave = slave

    @property
    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def read(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            new = os.read(self.master, 65536)
            self.bytes += new
            self.stream.feed(new)

    def wait_for(self, *wanted):
        """Wait until the lines contain these texts, in order."""
        end = time.monotonic() + 90
        while not re.search(".*".join(map(re.escape, wanted)), "\n".join(self.lines), re.DOTALL):
            assert time.monotonic() < end, "\n".join(self.lines)
            self.read(1)

    def wait(self):
        while self.process.poll() is None:
            self.read(0.1)
        while select.select([self.master], [], [], 0)[0]:
            self.read(0)
        return self.process.returncode

    def resize(self, columns, lines):
        self.screen.resize(lines, columns)
        termios.tcsetwinsize(self.slave, (lines, columns))

    def type(self, keys):
        os.write(self.master, keys)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal():
    with contextlib.ExitStack() as stack:

        def make(*arguments, **size):
            made = Terminal(*arguments, **size)
            stack.callback(made.close)
            return made

        yield make


RESTORED = b"\x1b[?25h\x1b[?1049l"
"""The cursor is visible, and the screen is the one from before."""


def test_a_terminal_shows_a_run_until_it_ends(run, terminal):
    window = terminal(run, "--interval", "0.1")
    window.wait_for("waiting for a run that begins in run.jsonl; Ctrl-C ends this view")
    ago = time.time() - BEGIN - 23
    run.write_text(lines(shifted(e, ago) for e in entries(start(total_steps=250), 2)))
    window.wait_for("running for", "round 2: cooperation", "step about 140 of 250")
    beside = run.with_name("expected.jsonl")
    expected = shown(facts_of(beside, entries(start(total_steps=250), 2)), 23)
    assert window.lines[4 : len(expected)] == expected[4:]

    with run.open("a") as file:
        file.write(lines(records(start(), 2)))
    window.wait_for("round 3 begins, 3 of 5 rounds done, step 150 of 250")

    window.resize(50, 30)
    expected = shown(facts_of(beside, entries(start(total_steps=250), 3)[:-1]), 31, 50, 30)
    window.wait_for("\n".join(expected[1:4]), "\n".join(expected[5:]))

    replaced = run.with_name("replaced.jsonl")  # as a resume does, in one moment
    replaced.write_text(lines(resumed(0)))
    replaced.replace(run)
    window.wait_for("resumed at step 100", "2 of 20 rounds done")
    replaced.write_text(lines([*entries(start(total_steps=250), 5)[:-1], RunEnd(time=BEGIN + 50)]))
    replaced.replace(run)
    assert window.wait() == 0
    expected = shown(facts_of(beside, entries(start(total_steps=250), 5)[:-1]), 50, 50, 30)
    _, after = window.bytes.split(RESTORED)
    left = re.sub(r"\x1b\[[\d;]*m", "", after.decode()).splitlines()
    assert left[0].endswith("finished after 50 s")
    assert [line.rstrip() for line in left[1:4]] == [
        "factorial, 4 members, mean weights, rounds of 50",
        "steps, presets adamw",
        "5 of 5 rounds done, step 250 of 250",
    ]
    assert [line.rstrip() for line in left[-10:]] == expected[-10:]


def test_an_interrupted_view_gives_the_terminal_back(run, terminal):
    by_key, by_signal = terminal(run, "--interval", "60"), terminal(run)
    for window in (by_key, by_signal):
        window.wait_for("waiting for a run")
    by_key.resize(30, 10)  # shown at once
    by_key.wait_for("waiting for a run that begins", "in run.jsonl; Ctrl-C ends this")
    by_key.type(b"\x03")
    by_signal.process.send_signal(signal.SIGTERM)
    assert (by_key.wait(), by_signal.wait()) == (130, 143)
    for window in (by_key, by_signal):
        assert window.bytes.endswith(RESTORED)
        assert termios.tcgetattr(window.slave) == window.settings


def test_a_view_of_a_folder_waits_beside_other_files_for_that_of_a_run(run, terminal, tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 0, "clan/loss": 1.0}\n')
    window, interrupted = (terminal(tmp_path, "--interval", "0.1", columns=400) for _ in range(2))
    for each in (window, interrupted):
        each.wait_for(
            f"waiting in {tmp_path}, beside metrics.jsonl, for the file that Clan(history=...) "
            "names; Ctrl-C ends this view"
        )
    interrupted.type(b"\x03")
    assert interrupted.wait() == 130
    assert interrupted.bytes.endswith(RESTORED)
    run.write_text(lines([*entries(start(total_steps=250), 5)[:-1], RunEnd(time=BEGIN + 50)]))
    assert window.wait() == 0
    assert b"finished after 50 s" in window.bytes


def test_a_view_of_a_folder_follows_the_file_in_which_a_run_begins(run, terminal, tmp_path):
    for name in ("metrics.jsonl", "run.jsonl"):
        (tmp_path / name).touch()
    window = terminal(tmp_path, "--interval", "0.1", columns=400)
    window.wait_for(f"waiting for a run that begins in {tmp_path}; Ctrl-C ends this view")
    (tmp_path / "metrics.jsonl").write_text('{"step": 0, "clan/loss": 1.0}\n')
    window.wait_for(f"waiting in {tmp_path}, beside metrics.jsonl, for")
    run.write_text(lines([*entries(start(total_steps=250), 5)[:-1], RunEnd(time=BEGIN + 50)]))
    assert window.wait() == 0
    assert b"finished after 50 s" in window.bytes


def test_a_view_of_a_folder_with_two_runs_ends(run, terminal, tmp_path):
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text(lines(entries(start(), 1)))
    window = terminal(tmp_path, columns=400)
    assert window.wait() == 2
    assert f"{tmp_path} has several files of runs: a.jsonl and b.jsonl".encode() in window.bytes


def test_a_message_fits_the_terminal():
    drawn = message("waiting for a run", Paper(width=9, height=1, glyphs=BLOCKS))
    assert [line.plain for line in drawn] == ["waiting"]
