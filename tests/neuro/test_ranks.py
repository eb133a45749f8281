import json
import os
import signal
import sys
from pathlib import Path

import attrs
import pytest
import torch.distributed as dist
from forks import Forks
from working import GENERATIONS, POINTS, Fails, evolve, history, network, serial

from clantune_neuro.errors import NeuroError
from clantune_neuro.evaluation.workplace import FailedError
from clantune_neuro.executors.ranks import Ranks
from clantune_neuro.run.evolve import Evolve

RANKS = 4
LONG = 120.0
SHORT = 4.0
"""Seconds that ranks wait for one that has stopped, and for each other meanwhile."""

RESUME = "see what ended it, then go on with `clantune neuro resume DIR`, on any number of workers"


def tell(**data):
    """Print what a rank found, in one piece."""
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


def told(ended):
    return [json.loads(each.printed.splitlines()[-1]) for each in ended]


def error_of(run):
    with pytest.raises(NeuroError) as raised:
        history(run)
    return {
        "message": str(raised.value),
        "notes": getattr(raised.value, "__notes__", []),
        "kind": type(raised.value).__name__,
        "generation": run.generation,
    }


# ---- What ranks do ----


def works():
    """Evolve as one process does, and see what happens when something goes wrong on one rank."""
    rank = int(os.environ["RANK"])
    with evolve("ranks", form="loop") as run:
        ranks = run._breeder.place.executor
        found = [history(run), history(evolve(ranks, form="vmap"))]
        fails = error_of(evolve(ranks, Fails()))
        differs = error_of(evolve(ranks, seed=4 if rank == 2 else 3))
        other = evolve(ranks)
        if rank == 1:
            other._breeder.scorer.workplace.evaluate = None
        broken = error_of(other)
        tell(found=found, writes=ranks.writes, fails=fails, differs=differs, broken=broken)
    assert not dist.is_initialized()


def loses(rank, number, timeout, out=None):
    ranks = Ranks(timeout=LONG)
    run = evolve(ranks, out=out)
    run.until(1)
    ranks._exchange = attrs.evolve(ranks._exchange, timeout=timeout)  # all ranks are under way
    if int(os.environ["RANK"]) == rank:
        os.kill(os.getpid(), number)
    found = error_of(run)
    run.close()
    ranks.close()
    tell(**found)


def begins(taken):
    ranks = Ranks(timeout=LONG)
    with pytest.raises(NeuroError) as refused:
        evolve(ranks, out=taken)
    with pytest.raises((ZeroDivisionError, NeuroError)) as failed:
        ranks.on_writer(lambda: 1 // 0)
    made = ranks.on_writer(lambda: "made")
    if int(os.environ["RANK"]) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    with pytest.raises(NeuroError) as lost:
        ranks.on_writer(lambda: "made")
    ranks.close()
    errors = [f"{each.type.__name__}: {each.value}" for each in (refused, failed, lost)]
    tell(errors=errors, made=made)


# ---- What comes of it ----


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The directories of runs that lose a rank, by its number."""
    folder = tmp_path_factory.mktemp("runs")
    return {lost: str(folder / f"{lost}") for lost in (0, 2)}


@pytest.fixture(scope="module")
def ended(folders):
    """How the ranks of each call ended. All calls run at the same time."""
    calls = {
        f"kill {lost}": (loses, lost, signal.SIGKILL, LONG, out) for lost, out in folders.items()
    }
    forks = Forks("clantune_neuro.run.evolve", "torch.func", "pytest")
    found = {"work": forks.run(works, ranks=RANKS)}
    taken = folders[0] + " is taken"
    evolve(out=taken).close()
    found |= {"begin": forks.run(begins, taken)}
    found |= {"stop 2": forks.run(loses, 2, signal.SIGSTOP, SHORT)}
    yield found | dict(zip(calls, forks.run_at_once([*calls.values()]), strict=True))
    forks.stop()


def test_ranks_give_the_history_of_one_process(ended):
    for rank, found in enumerate(told(ended["work"])):
        assert found["found"] == [serial(form="loop"), serial(form="vmap")]
        assert found["writes"] == (rank == 0)
    assert [each.status for each in ended["work"]] == [0] * RANKS


def test_a_task_that_raises_on_one_rank_is_the_same_error_on_all(ended):
    with pytest.raises(FailedError) as raised:
        history(evolve(None, Fails()))
    for found in (each["fails"] for each in told(ended["work"])):
        assert found["message"] == str(raised.value)
        assert found["kind"] == "FailedError"
        assert found["generation"] == 1
        note, call = found["notes"]
        assert call.startswith("this call repeats it: run.score(")
        assert note.startswith("On rank 1:\nTraceback (most recent call last):\n")
        assert note.endswith("\nKeyError: 'reward'\nwhile Fails scored member 0")


def test_ranks_that_bred_other_lineages_are_named(ended):
    for found in (each["differs"] for each in told(ended["work"])):
        assert found["message"] == (
            "rank 2 bred other lineages than rank 0; give all ranks the same arguments, seed and "
            "version of every package, and resume the same run directory"
        )
        assert found["generation"] == -1


def test_an_error_that_is_not_the_tasks_is_raised_on_all_ranks(ended):
    for found in (each["broken"] for each in told(ended["work"])):
        assert found["message"] == (
            "rank 1 cannot score chunk 2 of 4 in generation 1: TypeError: 'NoneType' object is "
            "not callable"
        )
        (note,) = found["notes"]
        assert note.startswith("On rank 1:\nTraceback (most recent call last):\n")


def test_a_run_that_cannot_begin_is_the_same_error_on_all_ranks(ended, folders):
    first, other = told(ended["begin"][:2])
    taken = folders[0] + " is taken"
    message = (
        f"{taken} contains a run; go on with it: clantune neuro resume {taken}, or "
        f"Evolve.resume({taken!r}, network, task); or choose another directory"
    )
    lost = "the connection is closed; see what ended it, then begin again, or resume the run if "
    lost += "its directory contains one"
    assert first["errors"] == [
        f"DirectoryError: {message}",
        "ZeroDivisionError: integer division or modulo by zero",
        f"NeuroError: rank 0 has lost rank 2 while the run began: {lost}",
    ]
    assert other["errors"] == [
        f"NeuroError: {message}",
        "NeuroError: ZeroDivisionError on rank 0: integer division or modulo by zero",
        f"NeuroError: rank 1 has lost rank 2 while the run began: {lost}",
    ]
    assert (first["made"], other["made"]) == ("made", None)


@pytest.mark.parametrize("lost", [0, 2])
def test_a_rank_that_is_killed_ends_the_run_with_its_name(ended, lost):
    ranks = dict(enumerate(ended[f"kill {lost}"]))
    assert ranks.pop(lost).status == -signal.SIGKILL
    assert [each.status for each in ranks.values()] == [0, 0]
    for rank, found in zip(ranks, told(ranks.values()), strict=True):
        assert found["message"] == (
            f"rank {rank} has lost rank {lost} in generation 2: the connection is closed; {RESUME}"
        )
        assert found["generation"] == 1


@pytest.mark.parametrize("lost", [0, 2])
def test_a_run_that_lost_a_rank_goes_on_as_if_nothing_had_happened(ended, folders, tmp_path, lost):
    assert ended[f"kill {lost}"]
    with evolve(out=tmp_path / "whole") as run:
        run.until(GENERATIONS)
    with Evolve.resume(folders[lost], network(), POINTS) as run:
        assert run.generation == 1
        run.until(GENERATIONS)
    histories = [Path(each, "history.jsonl") for each in (folders[lost], tmp_path / "whole")]
    assert histories[0].read_bytes() == histories[1].read_bytes()


def test_a_rank_that_has_stopped_is_named_after_the_deadline(ended):
    *ranks, stopped = ended["stop 2"]
    assert stopped.status == -signal.SIGKILL
    for rank, found in enumerate(told(ranks)):
        assert found["message"] == (
            f"rank {rank} has lost rank 2 in generation 2: no message came within {SHORT:g} "
            f"seconds; {RESUME}"
        )
