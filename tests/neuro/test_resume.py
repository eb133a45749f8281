"""Runs that stop and go on: their histories are those of runs that did not stop."""

import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from random import Random

import pytest
import torch
from evolving import Deadly, Near, Shifting, lineages, network, rules, run
from torch import nn

from clantune_neuro import Append, Blueprint, BlueprintError, DirectoryError
from clantune_neuro.executors.interface import Serial
from clantune_neuro.run import directory
from clantune_neuro.run.directory import Directory
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.run.files import read_json
from clantune_neuro.run.history_file import HistoryFile
from clantune_neuro.run.reading import member_in
from clantune_neuro.run.verify import verify
from clantune_strategies import Dominant, Everyone, TopN, WhenReplaced

GENERATIONS = 20
MOMENTS = 20


def sha256(folder):
    return hashlib.sha256((folder / "history.jsonl").read_bytes()).hexdigest()


def resumed(folder, task=None, strategies=None, **arguments):
    return Evolve.resume(folder, network(), task or Near(), strategies or rules(), **arguments)


@pytest.mark.parametrize(
    ("task", "given"),
    [
        (Near(), {"compact_after": 4}),
        (Deadly(), {}),
        (Shifting(), {"improvement": True}),
        (Near(), {"blueprint": Blueprint.of(network(), birth="given"), "chunk": 3}),
    ],
    ids=["compaction", "dead members", "improvement", "given weights"],
)
def test_a_run_that_is_closed_at_any_generation_goes_on_as_if_it_was_not(tmp_path, task, given):
    model = network()

    def begun(name):
        given_rules = {"strategies": rules(), "population": 8, "seed": 3, "out": tmp_path / name}
        return Evolve(model, task, **(given_rules | given))

    with begun("whole") as whole:
        whole.until(12)
    with begun("parts") as made:
        made.until(12, score=-1e9)  # any score will do
        assert made.generation == 0
    for generation in (3, 7, 8):
        with resumed(tmp_path / "parts", task) as made:
            while made.generation < generation:
                made.step()
    with resumed(tmp_path / "parts", task, blueprint=given.get("blueprint")) as made:
        made.until(12)
    assert [*made.population] == [*whole.population]
    assert made.evaluations == whole.evaluations
    assert sha256(tmp_path / "parts") == sha256(tmp_path / "whole")


def test_a_run_that_was_killed_at_any_of_twenty_moments_has_the_same_history(tmp_path):
    """The moments are drawn; populations are written after random generations."""
    command = [sys.executable, __file__, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert ended.returncode == 0, ended.stderr
    stops = json.loads(ended.stdout)
    assert len(stops) == MOMENTS
    whole = sha256(tmp_path / "whole")
    assert [sha256(tmp_path / str(moment)) for moment in range(MOMENTS)] == [whole] * MOMENTS
    assert sum(0 < lines < GENERATIONS for lines in stops) >= 5  # killed in the middle
    names = ("population.json", "run.json", "history.jsonl", "births", "lock")
    for moment in range(MOMENTS):
        found = read_json(tmp_path / str(moment) / "population.json")
        assert found["members"] == read_json(tmp_path / "whole" / "population.json")["members"]
        assert {*os.listdir(tmp_path / str(moment))} <= {*names}


def go_on(folder, seconds=1.0):
    """Begin or resume a run, in a process that may be killed."""
    directory.SECONDS, directory.SHARE = seconds, 0
    goes_on = (folder / "run.json").exists()
    with resumed(folder) if goes_on else run(out=folder, compact_after=5) as made:
        made.until(GENERATIONS - 1)


def fork(function, *arguments):
    """Return the number of a child that calls a function and ends."""
    child = os.fork()
    if child:
        return child
    try:
        function(*arguments)
        os._exit(0)
    finally:
        traceback.print_exc()
        os._exit(1)


def kill_and_resume(base):
    """Print the number of generations that each killed run had written."""
    logging.disable()
    for _ in range(2):
        go_on(base / "warm")  # imports what children need
    begun = time.monotonic()
    assert os.waitpid(fork(go_on, base / "whole"), 0)[1] == 0
    whole = time.monotonic() - begun
    rng, stops = Random(14), []
    for moment in range(MOMENTS):
        folder = base / str(moment)
        child = fork(go_on, folder, rng.choice((0.0, 0.01, 1.0)))
        time.sleep(rng.random() * whole)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        history = folder / "history.jsonl"
        stops.append(history.read_bytes().count(b"\n") if history.exists() else 0)
        assert os.waitpid(fork(go_on, folder), 0)[1] == 0
    print(json.dumps(stops))


def test_any_executor_and_form_of_memory_gives_the_same_history(tmp_path):
    with run(out=tmp_path / "whole") as made:
        made.until(8)
    with run(out=tmp_path / "parts") as made:
        made.until(8, score=-1e9)
    with resumed(tmp_path / "parts", executor=Backwards(), cap=0) as made:
        made.until(4)
    with resumed(tmp_path / "parts", executor=Backwards()) as made:
        made.until(8)
    assert sha256(tmp_path / "parts") == sha256(tmp_path / "whole")


class Backwards(Serial):
    """Scores the last chunk first."""

    def map(self, workplace, chunks):
        return super().map(workplace, chunks[::-1])[::-1]


def test_a_process_that_does_not_write_goes_on_beside_the_one_that_does(tmp_path):
    class Silent(Serial):
        writes = False

    made = run(out=tmp_path / "none", executor=Silent())
    made.until(2)
    assert not (tmp_path / "none").exists()
    with run(out=tmp_path / "a") as writer:
        writer.until(3)
        reader = resumed(tmp_path / "a", executor=Silent())
        assert [*reader.population] == [*writer.population]
        for one in (reader, writer):
            one.until(6)
        assert [*reader.population] == [*writer.population]


@pytest.mark.parametrize("moment", ["in the line", "after the line", "after the population"])
def test_an_interrupted_step_is_taken_again(tmp_path, monkeypatch, moment):
    """A key is pressed in generation 3. The same run goes on, and so does a resumed one."""
    with run(out=tmp_path / "whole") as made:
        made.until(6)
    append, save = HistoryFile.append, Directory.save

    def interrupted(self, line):
        if moment == "in the line" and line.generation == 3:
            self._out.write(line.text().encode()[:50])
            self._out.flush()
            raise KeyboardInterrupt
        append(self, line)
        if moment == "after the line" and line.generation == 3:
            raise KeyboardInterrupt

    def saves(self, progress):
        save(self, progress)
        if moment == "after the population" and progress.generation == 3:
            raise KeyboardInterrupt

    for name in ("same", "resumed"):
        made = run(out=tmp_path / name)
        with monkeypatch.context() as patch:
            patch.setattr(directory, "SECONDS", 0)
            patch.setattr(directory, "SHARE", 0)
            patch.setattr(HistoryFile, "append", interrupted)
            patch.setattr(Directory, "save", saves)
            with pytest.raises(KeyboardInterrupt):
                made.until(6)
        if name == "resumed":
            made.close()
            made = resumed(tmp_path / name)
        with made:
            made.until(6)
        assert sha256(tmp_path / name) == sha256(tmp_path / "whole")


def test_a_resumed_run_keeps_its_length(tmp_path):
    with run(out=tmp_path / "a") as made:
        made.until(30, score=-1e9)
    with resumed(tmp_path / "a") as made:
        assert (made.generation, made.progress.total) == (0, 30)
        made.until(2)
        assert made.progress.total == 30


def test_another_network_is_refused_with_the_first_tensor_that_differs(tmp_path):
    with run(out=tmp_path / "a") as made:
        ours = made.settings.blueprint
    for other, shown in (
        (nn.Linear(4, 2), "'weight' (2, 4)"),
        (nn.Sequential(nn.Linear(3, 2)), "'0.weight' (2, 3)"),
    ):
        with pytest.raises(BlueprintError) as caught:
            Evolve.resume(tmp_path / "a", other, Near(), rules())
        text = str(caught.value)
        assert text.startswith("the blueprints ")
        assert ours.fingerprint in text
        assert f"differ: {shown} " in text
        assert "stands where 'weight' (2, 3) " in text
    renamed = Blueprint.of(
        nn.Sequential(nn.Linear(3, 2)), renamed={"0.weight": "weight", "0.bias": "bias"}
    )
    model = nn.Sequential(nn.Linear(3, 2))
    with Evolve.resume(tmp_path / "a", model, Near(), rules(), blueprint=renamed) as made:
        assert {*made.until(2).weights()} == {"0.weight", "0.bias"}
    with resumed(tmp_path / "a") as made:
        made.until(4)
    with run() as whole:
        whole.until(4)
    assert lineages(made.population) == lineages(whole.population)


def test_a_blueprint_with_other_exponents_is_that_of_the_run(tmp_path):
    blueprint = Blueprint.of(network(), unit=20, scales={"bias": 0}, operators=["normal"])
    with run(out=tmp_path / "a", blueprint=blueprint) as made:
        made.until(2)
    with resumed(tmp_path / "a") as made:
        assert made.settings.blueprint == blueprint


class Rows(nn.Module):
    """Its row that is most similar to the input answers. It does not say that it has a bank."""

    def __init__(self):
        super().__init__()
        self.keys = nn.Parameter(torch.ones(5, 3))
        self.answers = nn.Parameter(torch.ones(5, 2))

    def forward(self, x):
        return self.answers[(x @ self.keys.T).argmax(1)]


def test_a_run_with_a_bank_of_its_own_goes_on_and_is_verified_and_exported(tmp_path):
    blueprint = Blueprint.of(Rows(), bank=("keys", "answers"), unit=20)
    given = {"strategies": [*rules()[:2], WhenReplaced(Append("duplicate"))], "population": 8}
    whole = Evolve(Rows(), Near(), blueprint=blueprint, **given)
    whole.until(4)
    with Evolve(Rows(), Near(), blueprint=blueprint, **given, out=tmp_path / "a") as made:
        made.until(2)
    with Evolve.resume(tmp_path / "a", Rows(), Near()) as made:
        assert made.settings.blueprint == blueprint
        best = made.until(4)
    assert lineages(made.population) == lineages(whole.population)
    assert verify(tmp_path / "a", Rows(), Near()).passed
    weights = member_in(tmp_path / "a", Rows()).weights()
    assert all(torch.equal(each, weights[name]) for name, each in best.weights().items())


def test_other_strategies_than_those_of_the_run_are_refused(tmp_path):
    strategies = [TopN(3, Everyone()), Dominant()]
    run(out=tmp_path / "a", strategies=strategies).close()
    resumed(tmp_path / "a", strategies=strategies).close()
    with pytest.raises(DirectoryError) as caught:
        resumed(tmp_path / "a", strategies=[TopN(2, Everyone()), Dominant()])
    assert str(caught.value).startswith(
        f"{tmp_path / 'a'} is a run of other strategies; leave them out, or begin a run in "
        "another directory\nthe run's:\nstrategies\n  0: TopN("
    )


def test_another_kind_of_machine_is_said(tmp_path, caplog):
    run(out=tmp_path / "a").close()
    file = tmp_path / "a" / "run.json"
    data = read_json(file)
    file.write_text(json.dumps(data | {"machine": "abacus"}))
    caplog.clear()
    resumed(tmp_path / "a").close()
    (text,) = [record.getMessage() for record in caplog.records]
    assert text == (
        f"{tmp_path / 'a'} was begun on abacus and goes on on {data['machine']}: the last bit of "
        "a score may differ"
    )


if __name__ == "__main__":
    kill_and_resume(Path(sys.argv[1]))
