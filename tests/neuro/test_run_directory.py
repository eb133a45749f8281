"""What the directory of a run holds, and which directories are refused."""

import itertools
import json
import logging
import os
import socket
import subprocess
import sys

import pytest
from evolving import Deadly, Failing, Near, Shifting, lineages, network, rules, run

from clantune_neuro import Blueprint, DirectoryError
from clantune_neuro.errors import StrengthError
from clantune_neuro.evaluation.chunks import Halving
from clantune_neuro.evaluation.record import Record
from clantune_neuro.evaluation.workplace import FailedError
from clantune_neuro.executors.interface import Serial
from clantune_neuro.run import breeder, directory, history_file
from clantune_neuro.run.ancestry import ancestors, generations
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.run.files import read_json
from clantune_neuro.run.history import Line
from clantune_neuro.run.history_file import read_history
from clantune_neuro.run.population_file import read_population
from clantune_neuro.run.reading import member_in
from clantune_neuro.run.settings import Settings
from clantune_strategies import Dominant, Everyone, TopN


def refusal(call):
    with pytest.raises(DirectoryError) as caught:
        call()
    return str(caught.value)


def another(program):
    command = [sys.executable, "-c", program]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def done(folder, task=None, generations=6, **arguments):
    """Return the population of a run that ended."""
    with run(task, out=folder, **arguments) as made:
        made.until(generations)
        return made.population


# ---- What it holds ----


def test_run_json_holds_the_settings(tmp_path):
    command = {"task": "near", "options": ["--target", "3"]}
    given = {"form": "loop", "chunk": 5, "compact_after": 9, "threads": 2, "command": command}
    with run(out=tmp_path / "a", **given) as made:
        settings = made.settings
    read = Settings.read(tmp_path / "a")
    assert read.blueprint == settings.blueprint == Blueprint.of(network())
    assert (read.seed, read.form, read.chunk, read.threads) == (3, "loop", 5, 2)
    assert (read.improvement, read.compact_after, read.command) == (False, 9, command)
    assert read.machine == settings.machine
    data = read_json(tmp_path / "a" / "run.json")
    assert data["format"] == 1
    assert {"python", "torch", "numpy", "clantune-core"} <= data["versions"].keys()


def test_strategies_are_kept_as_a_document(tmp_path):
    strategies = [TopN(3, Everyone()), Dominant()]
    done(tmp_path / "a", strategies=strategies)
    assert [*Settings.read(tmp_path / "a").evolution.strategies] == strategies
    with Evolve.resume(tmp_path / "a", network(), Near()) as made:
        assert made.generation == 6


def test_strategies_that_cannot_be_written_are_said_and_must_be_passed_again(tmp_path, caplog):
    class Own(TopN):
        pass

    with caplog.at_level(logging.WARNING):
        done(tmp_path / "a", strategies=[Own(3, Everyone()), Dominant()])
    (text,) = [record.getMessage() for record in caplog.records]
    why = Settings.read(tmp_path / "a").unwritten
    assert why.startswith("Own cannot be saved, because no installed package gives it a name; ")
    assert text == (
        f"{tmp_path / 'a' / 'run.json'} does not contain the strategies, so pass them to "
        f"Evolve.resume: {why}"
    )
    assert refusal(lambda: Evolve.resume(tmp_path / "a", network(), Near())) == (
        f"{tmp_path / 'a'} does not contain the strategies of its run ({why}); pass the same "
        "ones: Evolve.resume(out, network, task, strategies)"
    )


def test_the_history_has_a_line_per_generation_and_leads_back_to_every_lineage(tmp_path):
    seen = []
    with run(out=tmp_path / "a", compact_after=0) as made:
        made.until(12, report=lambda each: seen.append((each, made.population)))
    lines = [*read_history(tmp_path / "a")]
    assert sum(bool(line.birth) for line in lines) > 2
    read = generations(lines)
    for (line, texts, _), (each, population) in zip(read, seen, strict=True):
        assert (line.generation, line.evaluations, line.frames) == (
            each.number,
            each.evaluations,
            each.frames,
        )
        assert texts == lineages(population)
        assert [past.record for past in line.members] == [*map(Record.of, population)]
        shares = [member.parents and member.parents.contributors for member in population]
        assert [past.parents or None for past in line.members] == shares


def test_the_ancestors_of_a_member_lead_from_the_birth_to_it(tmp_path):
    population = done(tmp_path / "a", generations=8)
    best = ancestors(tmp_path / "a")
    assert [each.generation for each in best] == [*range(9)]
    assert best[-1].past.base == max(Record.of(member).base for member in population)
    for before, after in itertools.pairwise(best):
        assert after.past.dominant == before.rank
        assert after.lineage.startswith(before.lineage)
    for rank, lineage in enumerate(lineages(population)):
        assert ancestors(tmp_path / "a", rank)[-1].lineage == lineage


def test_equal_runs_have_equal_histories_byte_for_byte(tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        done(tmp_path / name, seed=seed)
    a, b, c = ((tmp_path / name / "history.jsonl").read_bytes() for name in "abc")
    assert a == b != c


def test_a_line_is_read_as_it_was_written_dead_members_and_halvings_too(tmp_path):
    done(tmp_path / "a", Deadly())
    for line in read_history(tmp_path / "a"):
        assert Line.read(line.text()) == line
    assert any(past.base is None for past in line.members)
    assert '"base":null' in line.text()
    small = Line(3, 8, 0, (Halving(0, 8, 4),), "", "", line.members[:1])
    assert Line.read(small.text()) == small


def test_a_child_that_shares_a_part_with_its_parent_keeps_that_part():
    text = "".join(chr(65 + number) * 16 for number in range(9))
    from clantune_neuro.run.history import _common

    for kept in range(10):
        other = text[: 16 * kept] + "z" * 16 * (12 - kept)
        assert _common(other, text) == kept
    assert _common(text[:32], text) == 2


def test_the_population_is_kept_exactly(tmp_path):
    for name, task, given in (
        ("a", Near(), {}),
        ("b", Deadly(), {"compact_after": 4}),
        ("c", Shifting(), {"improvement": True}),
    ):
        population = done(tmp_path / name, task, **given)
        read = read_population(tmp_path / name, Blueprint.of(network()))
        assert [*read.population] == [*population]
        for one, two in zip(read.population, population, strict=True):
            assert one.parents == two.parents
            assert one.metadata == two.metadata
            assert one.alleles["weights"].metadata == two.alleles["weights"].metadata
        assert (read.generation, read.total) == (6, 6)
        text = (tmp_path / name / "population.json").read_text("utf-8")
        assert text.count('"shape"') == 0  # the blueprint is in run.json
        assert text.count(str(population[0].uuid)) == 1


def test_given_weights_are_kept_in_the_directory(tmp_path):
    blueprint = Blueprint.of(network(), birth="given")
    model = network()
    with Evolve(model, Near(), rules(), blueprint=blueprint, out=tmp_path / "a") as made:
        best = made.until(2)
    assert [file.stem for file in (tmp_path / "a" / "births").iterdir()] == [
        best.lineage.given_name
    ]


def test_the_population_is_not_written_more_often_than_once_in_a_second(tmp_path, monkeypatch):
    now, written = [100.0], []
    from clantune_neuro.run import directory

    def write(folder, progress):
        written.append(progress.generation)
        now[0] += 0.1

    monkeypatch.setattr(directory.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(directory, "write_population", write)
    with run(out=tmp_path / "a") as made:
        for _ in range(10):
            made.step()
            now[0] += 0.5
    # A second writing takes place 20 times as long after the first as that took.
    assert written == [-1, 4, 8, 9]


def test_an_error_of_a_task_names_the_command_that_repeats_it(tmp_path):
    with (
        run(Failing(), out=tmp_path / "a") as made,
        pytest.raises(FailedError, match="no points") as caught,
    ):
        made.until(5)
    command = f"clantune neuro resume {tmp_path / 'a'} --workers 1"
    assert caught.value.__notes__ == [f"this command repeats it in one process: {command}"]
    with (
        Evolve.resume(tmp_path / "a", network(), Failing(), rules()) as made,
        pytest.raises(FailedError, match="no points") as again,
    ):
        made.until(5)
    assert str(again.value) == str(caught.value)


# ---- What is refused ----


def test_a_directory_of_something_else_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.tex").touch()
    assert refusal(lambda: run(out=tmp_path / "a")) == (
        f"{tmp_path / 'a'} is not a run directory: it contains 'thesis.tex'; choose a directory "
        "that is empty or does not exist"
    )
    assert os.listdir(tmp_path / "a") == ["thesis.tex"]
    assert refusal(lambda: Evolve.resume(tmp_path / "a", network(), Near())) == (
        f"{tmp_path / 'a'} contains no run: run.json is missing"
    )
    file = tmp_path / "a" / "thesis.tex"
    assert "is not a run directory" in refusal(lambda: run(out=file))


def test_a_new_run_does_not_begin_in_the_directory_of_another(tmp_path):
    folder = tmp_path / "a"
    done(folder)
    before = (folder / "history.jsonl").read_bytes()
    assert refusal(lambda: run(out=folder)) == (
        f"{folder} contains a run; go on with it: clantune neuro resume {folder}, or "
        f"Evolve.resume({str(folder)!r}, network, task); or choose another directory"
    )
    assert (folder / "history.jsonl").read_bytes() == before


def test_a_run_that_came_first_keeps_its_history(tmp_path, monkeypatch):
    folder = tmp_path / "a"
    taken = directory.Lock

    def late(path):
        monkeypatch.setattr(directory, "Lock", taken)
        done(folder)  # another run begins and ends before this one has the lock
        return taken(path)

    monkeypatch.setattr(directory, "Lock", late)
    assert refusal(lambda: run(out=folder)).startswith(f"{folder} contains a run; go on with it: ")
    assert len([*read_history(folder)]) == 7
    Evolve.resume(folder, network(), Near(), rules()).close()


def test_a_run_that_ended_before_it_began_leaves_a_directory_that_can_be_used(tmp_path):
    folder = tmp_path / "a"
    done(folder)
    (folder / "run.json").rename(folder / "run.json.part")
    done(folder)
    assert len([*read_history(folder)]) == 7


@pytest.mark.parametrize("strength", [100, 0.0])
def test_a_run_with_a_strength_that_is_not_usable_leaves_no_directory(tmp_path, strength):
    with pytest.raises(StrengthError) as caught:
        run(out=tmp_path / "a", strength=strength)
    assert str(caught.value) == (
        f"the strength {strength} is not usable; use a number from 2^-20 to 4, such as 0.02"
    )
    assert not (tmp_path / "a").exists()


def test_a_directory_in_use_is_refused_with_the_process(tmp_path):
    folder = tmp_path / "a"
    made = run(out=folder)
    held = f"{folder} is in use by process {os.getpid()} on {socket.gethostname()}; "
    assert refusal(lambda: Evolve.resume(folder, network(), Near(), rules())) == (
        f"{held}that is this process: call close() on the run that has it"
    )
    program = (
        "import pathlib\nfrom clantune_neuro.run.lock import Lock\n"
        f"Lock(pathlib.Path({str(folder)!r}))"
    )
    ended = another(program)
    assert f"{held}stop it first, or write to another directory\n" in ended.stderr
    made.close()
    made.close()
    ended = another(program)
    assert (ended.returncode, ended.stderr) == (0, "")
    Evolve.resume(folder, network(), Near(), rules()).close()


def test_an_executor_that_a_run_started_is_closed_where_the_run_cannot_begin(tmp_path, monkeypatch):
    closed = []

    class Own(Serial):
        def close(self):
            closed.append(self)

    done(tmp_path / "a", strategies=[TopN(3, Everyone()), Dominant()])
    monkeypatch.setattr(breeder, "executor_of", lambda given: given or Own())
    for call in (
        lambda: run(out=tmp_path / "a"),
        lambda: Evolve.resume(tmp_path / "a", network(), Near(), rules(3)),
        lambda: Evolve.resume(tmp_path / "b", network(), Near()),
    ):
        refusal(call)
    assert len(closed) == 3
    refusal(lambda: run(out=tmp_path / "a", executor=Own()))  # that is its owner's
    run().close()
    assert len(closed) == 4


def test_a_run_that_is_forgotten_leaves_the_lock(tmp_path):
    run(out=tmp_path / "a")
    with Evolve.resume(tmp_path / "a", network(), Near(), rules()) as made:
        assert made.until(1).generation == 1


def test_the_lock_of_a_dead_process_is_taken_over_unless_it_is_of_another_host(tmp_path):
    folder = tmp_path / "a"
    done(folder)
    (folder / "lock").write_text(json.dumps({"pid": 2**22 + 1, "host": socket.gethostname()}))
    Evolve.resume(folder, network(), Near(), rules()).close()
    (folder / "lock").write_text(json.dumps({"pid": 41, "host": "elsewhere"}))
    assert refusal(lambda: Evolve.resume(folder, network(), Near(), rules())) == (
        f"{folder} is in use by process 41 on elsewhere; if that process has ended, delete "
        f"{folder / 'lock'}"
    )
    (folder / "lock").unlink()
    Evolve.resume(folder, network(), Near(), rules()).close()


def test_a_directory_of_a_newer_version_is_refused(tmp_path):
    folder = tmp_path / "a"
    done(folder)
    data = read_json(folder / "run.json")
    (folder / "run.json").write_text(json.dumps(data | {"format": 2}))
    assert refusal(lambda: Evolve.resume(folder, network(), Near())) == (
        f"{folder} has the format version 2, and this clantune-neuro reads versions up to 1; "
        "upgrade it: pip install --upgrade clantune-neuro"
    )


def test_a_torn_last_line_is_dropped_and_said(tmp_path, caplog):
    folder = tmp_path / "a"
    done(folder)
    file = folder / "history.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:100])
    caplog.clear()
    assert len([*read_history(folder)]) == 7
    (text,) = [record.getMessage() for record in caplog.records]
    assert text == f"{file} ends with a torn line, which is left out"
    caplog.clear()
    with Evolve.resume(folder, network(), Near(), rules()):
        (text,) = [record.getMessage() for record in caplog.records]
    assert text == f"{file} ends with a torn line, which is dropped"
    assert file.read_bytes() == whole


def test_damaged_files_are_named(tmp_path):
    folder = tmp_path / "a"
    done(folder)

    def resume():
        Evolve.resume(folder, network(), Near(), rules())

    for name, damage, problem in (
        ("population.json", lambda text: text[:-9], "JSONDecodeError: "),
        ("population.json", lambda text: text.replace('"value"', '"worth"'), "DataError: "),
        (
            "population.json",
            lambda text: text.replace('"ranks"', '"rows"'),
            "ValueError: it has no entry 'ranks'",
        ),
        (
            "run.json",
            lambda text: text.replace('"seed"', '"sea"'),
            "ValueError: it has no entry 'seed'",
        ),
        ("run.json", lambda text: text.replace('"tensors"', '"tents"'), "BlueprintError: "),
        ("run.json", lambda text: "[]", "TypeError: it must be an object; it is []"),
    ):
        text = (folder / name).read_text("utf-8")
        (folder / name).write_text(damage(text))
        assert refusal(resume).startswith(f"{folder / name} is damaged: {problem}"), name
        (folder / name).write_text(text)
    lines = (folder / "history.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "history.jsonl").write_bytes(b"".join([lines[0], lines[1][9:], *lines[2:]]))
    for call in (lambda: [*read_history(folder)], resume):
        assert refusal(call).startswith(f"{folder / 'history.jsonl'} is damaged in line 2: ")
    (folder / "history.jsonl").write_bytes(b"".join(lines[:5]))
    assert refusal(resume) == (
        f"{folder / 'history.jsonl'} has 5 generations, and the population of {folder} is that of "
        "generation 6; copy both files from one backup"
    )
    (folder / "history.jsonl").unlink()
    assert refusal(resume) == (
        f"{folder / 'history.jsonl'} has 0 generations, and the population of {folder} is that of "
        "generation 6; copy both files from one backup"
    )
    assert not (folder / "history.jsonl").exists()
    assert refusal(lambda: [*read_history(folder)]) == (
        f"{folder} contains no run: history.jsonl is missing"
    )
    assert history_file.NAME == "history.jsonl"


@pytest.mark.parametrize(
    ("name", "place", "value", "problem"),
    [
        ("run.json", ["format"], "9", "TypeError: 'format' of it must be int; it is '9'"),
        ("run.json", ["seed"], "x", "TypeError: 'seed' of it must be int; it is 'x'"),
        ("run.json", ["improvement"], 0, "TypeError: 'improvement' of it must be bool; it is 0"),
        (
            "run.json",
            ["strategies"],
            [],
            "TypeError: 'strategies' of it must be dict or null; it is []",
        ),
        (
            "population.json",
            ["generation"],
            "a",
            "TypeError: 'generation' of it must be int; it is 'a'",
        ),
        (
            "population.json",
            ["members", 3, "metadata", "neuro"],
            {"intrinsic": 0.0, "born": 0, "trace": None},
            "ValueError: a record has no entry 'base'",
        ),
        (
            "population.json",
            ["members", 3, "metadata", "neuro", "born"],
            True,
            "TypeError: 'born' of a record must be int; it is True",
        ),
        (
            "population.json",
            ["members", 3, "metadata"],
            {},
            "TypeError: a record must be an object; it is None",
        ),
        (
            "population.json",
            ["members", 3, "metadata", "neuro", "trace"],
            {"used": []},
            "EvaluationError: a trace needs a list of row numbers under 'blamed', not None",
        ),
    ],
)
def test_a_value_of_another_type_is_named_with_its_file(tmp_path, name, place, value, problem):
    folder = tmp_path / "a"
    done(folder, generations=1)
    data = read_json(folder / name)
    part = data
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    (folder / name).write_text(json.dumps(data))
    for call in (
        lambda: Evolve.resume(folder, network(), Near(), rules()),
        lambda: member_in(folder, network()),
    ):
        assert refusal(call) == f"{folder / name} is damaged: {problem}"


def test_a_run_with_a_damaged_history_does_not_go_on(tmp_path):
    folder = tmp_path / "a"
    done(folder)
    file = folder / "history.jsonl"
    whole = file.read_bytes()
    lines = whole.splitlines(keepends=True)
    for damage, problem in (
        ([lines[1], lines[0]], " in line 1: ValueError: it is generation 1, and 0 must stand here"),
        (
            [lines[0], b"\n"],
            " in line 2: JSONDecodeError: Expecting value: line 2 column 1 (char 1)",
        ),
        ([lines[0], b"[]\n"], " in line 2: TypeError: a line must be an object; it is []"),
        (
            [lines[0], lines[1].replace(b'"frames"', b'"games"')],
            " in line 2: ValueError: a line has no entry 'frames'",
        ),
        (
            [lines[0].replace(b'"kept":0', b'"kept":null', 1)],
            " in line 1: TypeError: 'kept' of a member must be int; it is None",
        ),
    ):
        damaged = b"".join([*damage, *lines[len(damage) :]])
        file.write_bytes(damaged)
        for call in (
            lambda: Evolve.resume(folder, network(), Near(), rules()),
            lambda: ancestors(folder),
        ):
            assert refusal(call) == f"{file} is damaged{problem}"
        assert file.read_bytes() == damaged
    file.write_bytes(whole)
    Evolve.resume(folder, network(), Near(), rules()).close()
