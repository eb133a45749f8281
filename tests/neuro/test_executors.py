import os
import pickle
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import attrs
import pytest
import torch
from working import POINTS, Counts, Fails, Here, Kills, Large, evolve, history, serial

from clantune_neuro.errors import EvaluationError, NeuroError, OperatorError
from clantune_neuro.evaluation.chunks import Halving
from clantune_neuro.evaluation.outcomes import Failure, Outcome, Outcomes
from clantune_neuro.evaluation.workplace import FailedError
from clantune_neuro.executors import Executor, Futures, Ranks, Serial, executor_of, worker
from clantune_neuro.executors.choose import FORMS
from clantune_neuro.executors.futures import _without_interrupts
from clantune_neuro.executors.share import Share
from clantune_neuro.lineage import registry
from clantune_neuro.lineage.registry import find_operator
from clantune_neuro.tasks import Task
from clantune_neuro.tasks.score import Score
from clantune_neuro.tasks.trace import RowTrace

RESUME = "go on with `clantune neuro resume DIR`"
pytestmark = pytest.mark.filterwarnings("ignore:Creating scratch directories is taking:UserWarning")


@pytest.fixture(scope="module")
def pool():
    """Two processes, which import torch once for all tests."""
    made = Futures.pool(2)
    yield made
    made.close()


@pytest.fixture
def counts(pool):
    """The same processes, with a count of what is sent to them."""
    return Counts(pool._current())


@pytest.fixture(scope="module")
def scheduler():
    """The address of a scheduler of Dask with two processes."""
    distributed = pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
    cluster = distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address=None,
        scheduler_kwargs={"dashboard_address": ":0"},  # another cluster may have the usual port
    )
    with cluster:
        yield cluster.scheduler_address


@pytest.fixture
def empty_worker(monkeypatch):
    """This process as a worker that knows no workplace."""
    for name in ("_PLACES", "_BIRTHS"):
        monkeypatch.setattr(worker, name, type(getattr(worker, name))())


# ---- Equal histories ----


@pytest.mark.parametrize("form", ["loop", "vmap"])
def test_a_pool_gives_the_history_of_one_process(pool, form):
    assert history(evolve(pool, form=form)) == serial(form=form)


@pytest.mark.parametrize("form", ["loop", "vmap"])
def test_dask_gives_the_history_of_one_process(scheduler, form):
    with evolve(f"dask:{scheduler}", form=form) as run:
        assert history(run) == serial(form=form)


def test_a_large_set_of_data_reaches_workers_of_dask_without_a_warning(scheduler):
    with evolve(f"dask:{scheduler}", Large(torch.zeros(3 * 2**20))) as run:
        assert history(run) == serial()


def test_a_process_of_several_threads_scores_with_one():
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        assert history(evolve()) == serial()
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


class Threads(Task):
    def score(self, network, context):
        return Score(torch.get_num_threads())


def test_a_run_says_how_many_threads_score_everywhere(pool):
    run = evolve(None, Threads(), threads=2)
    assert run.until(0).score == 2.0
    place = pickle.loads(pickle.dumps(run._breeder.scorer.workplace))
    assert place.threads == place.with_task(POINTS).threads == 2
    with pytest.raises(EvaluationError) as raised:
        type(place)(place.module, place.blueprint, POINTS, threads=0)
    assert str(raised.value) == "threads is 0; take 1 or more"


# ---- What is sent ----


def test_processes_are_sent_the_data_of_a_task(counts):
    task = Large()
    run = evolve(counts, task)
    assert history(run) == serial()
    (key,) = {name for name, _ in counts.supplies}
    assert len(pickle.dumps(run._breeder.scorer.workplace)) > 2**20
    assert history(evolve(counts, task)) == serial()
    assert {name for name, _ in counts.supplies} == {key}


def test_a_process_is_sent_the_data_of_a_task_once(empty_worker):
    counts = Counts(Here())  # how often several processes are sent it depends on who is faster
    task = Large()
    for _ in range(2):
        assert history(evolve(Futures(counts), task)) == serial()
        assert len(counts.supplies) == 1


def compacted(executor):
    """Return a run in which every generation begins with other given weights."""
    return evolve(executor, parents=1, compact_after=0)


def births_of(run):
    return set(run._breeder.scorer.workplace.nursery.births._kept)


def test_births_of_given_weights_reach_workers(counts):
    run = compacted(counts)
    assert history(run, 8) == history(compacted(None), 8)
    births = births_of(run)
    assert len(births) > 2
    assert births & {name for name, _ in counts.supplies}


def test_births_of_given_weights_are_sent_to_a_worker_once(empty_worker):
    counts = Counts(Here())  # how often several workers are sent them depends on who is faster
    run = compacted(Futures(counts))
    assert history(run, 8) == history(compacted(None), 8)
    sent = [name for name, _ in counts.supplies]
    births = births_of(run) & {*sent}
    assert len(births) > 2
    assert {sent.count(name) for name in births} == {1}


def test_a_worker_forgets_what_is_no_longer_used(empty_worker, monkeypatch):
    monkeypatch.setattr(worker, "PLACES", 2)
    monkeypatch.setattr(worker, "BIRTHS", 1)
    run = evolve(Futures(Here()), parents=1, compact_after=0)
    assert history(run, 8) == history(evolve(parents=1, compact_after=0), 8)
    (place,) = worker._PLACES.values()
    assert (
        len(place.nursery.births._kept)
        <= 2
        < len(run._breeder.scorer.workplace.nursery.births._kept)
    )
    assert place.nursery.nbytes > 0
    for loss in ("wrong", "till_death"):
        history(evolve(Futures(Here()), type(POINTS)(64, (16,), 4, loss=loss)), 2)
    assert place not in worker._PLACES.values()
    first, last = worker._PLACES.values()
    assert first.nursery.nbytes == 0 < last.nursery.nbytes
    assert {*worker._BIRTHS} == {*worker._PLACES}


class Forgets(Here):
    """Forgets every workplace before each chunk, as a process for each chunk does."""

    def submit(self, function, *arguments):
        worker._PLACES.clear()
        worker._BIRTHS.clear()
        return super().submit(function, *arguments)


def test_workers_that_never_know_the_workplace_get_it_with_each_chunk(empty_worker):
    counts = Counts(Forgets())
    assert history(evolve(counts)) == serial()
    assert len(counts.supplies) == 17  # of generations of 1, 4, 4, 4 and 4 chunks


def test_a_task_that_cannot_be_sent_says_so():
    class Locked(Task):
        def __init__(self):
            self.lock = threading.Lock()

        def score(self, network, context):
            return Score(0.0)

    with pytest.raises(NeuroError) as raised:
        evolve(Futures(Here()), Locked()).step()
    assert str(raised.value) == (
        "the task Locked or the network Sequential cannot be sent to workers: TypeError: cannot "
        "pickle '_thread.lock' object; keep only what can be pickled in them, or pass "
        "executor=None, which scores in this process"
    )


def test_a_task_that_a_worker_cannot_import_says_so(monkeypatch, empty_worker):
    def fails(data):
        raise ModuleNotFoundError("No module named 'nowhere'")

    monkeypatch.setattr(pickle, "loads", fails)
    with pytest.raises(NeuroError) as raised:
        evolve(Futures(Here())).step()
    assert str(raised.value) == (
        "a worker cannot score chunk 1 of 1 in generation 0: ModuleNotFoundError: No module named "
        "'nowhere'; it needs the packages of this process, and must be able to import "
        "clantune_neuro.tasks.memorise.Memorise"
    )
    (note,) = raised.value.__notes__
    assert note.startswith("On a worker:\nTraceback (most recent call last):\n")


# ---- Tasks that fail ----


def failure_of(executor):
    with evolve(executor, Fails()) as run, pytest.raises(FailedError) as raised:
        history(run)
    assert run.generation == 1
    return raised.value


def test_a_task_that_raises_is_the_same_error_everywhere(pool, scheduler):
    expected = failure_of(None)
    assert str(expected).startswith("Fails failed on the lineage AAAA")
    assert str(expected).endswith("in generation 2: KeyError: 'reward'")
    for executor in (pool, f"dask:{scheduler}"):
        error = failure_of(executor)
        assert str(error) == str(expected)
        assert error.failure.lineages == expected.failure.lineages
        note, call = error.__notes__
        assert call.startswith("this call repeats it: run.score(")
        assert note.startswith("On a worker:\nTraceback (most recent call last):\n")
        assert call == expected.__notes__[-1]
        assert note.endswith("\nKeyError: 'reward'\nwhile Fails scored member 0")
    assert history(evolve(pool)) == serial()  # its workers go on


@pytest.mark.parametrize("form", ["loop", "vmap", "shared"])
def test_an_operator_that_fails_is_named_and_not_the_task(monkeypatch, empty_worker, form):
    def fails(state, gene, blueprint):
        raise IndexError("no such row")

    known = find_operator("normal")
    monkeypatch.setitem(registry._REGISTERED, "normal", attrs.evolve(known, apply=fails))
    text = "the operator 'normal' failed on gene 1: IndexError: no such row"
    run = evolve(form=form)
    with pytest.raises(OperatorError) as raised:
        history(run)
    assert str(raised.value) == text
    assert not hasattr(raised.value.__cause__, "__notes__")
    with pytest.raises(NeuroError) as raised:
        history(evolve(Futures(Here()), form=form))
    assert str(raised.value) == (
        f"a worker cannot score chunk 1 of 4 in generation 1: OperatorError: {text}"
    )
    (note,) = raised.value.__notes__
    assert note.startswith("On a worker:\nTraceback (most recent call last):\n")


# ---- Workers that are lost ----


def test_a_worker_that_is_killed_changes_nothing(pool, tmp_path):
    assert history(evolve(pool, Kills(str(tmp_path)))) == serial()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_chunk_is_sent_again_twice(empty_worker):
    lost = ConnectionError("the worker has died")
    assert history(evolve(Futures(Here(lost, lost)))) == serial()
    with pytest.raises(NeuroError) as raised:
        evolve(Futures(Here(*[lost] * 15))).step()
    assert str(raised.value) == (
        "chunk 1 of 1 in generation 0 was lost with its worker 3 times, at last by "
        "ConnectionError: the worker has died; see what ends the workers, such as too little "
        f'memory, or a script without `if __name__ == "__main__":`, then {RESUME}'
    )
    assert raised.value.__cause__ is lost


def test_chunks_that_an_executor_cancels_are_sent_again(empty_worker):
    class Cancels(Here):
        left = 2

        def submit(self, function, *arguments):
            self.left -= 1
            if self.left < 0:
                return super().submit(function, *arguments)
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    assert history(evolve(Futures(Cancels()))) == serial()


def test_an_executor_that_breaks_is_made_anew(empty_worker):
    made = []

    class Breaks(Here):
        def submit(self, function, *arguments):
            if len(made) == 1 and made[0].closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            return super().submit(function, *arguments)

        closed = False

        def shutdown(self):
            self.closed = True

    def make():
        made.append(Breaks())
        return made[-1]

    with evolve(Futures(make=make)) as run:
        run.step()
        made[0].closed = True
        run._breeder.place.executor.map(run._breeder.scorer.workplace, [])  # no chunk, no executor
        assert len(made) == 1
        history(run)
        assert len(made) == 2
        assert not made[1].closed
    assert not made[1].closed  # the run was given the executor
    run._breeder.place.executor.close()
    assert made[1].closed


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="this system blocks no signals")
def test_an_interrupt_does_not_reach_a_worker_that_still_imports_its_packages():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    made = Futures.pool(1)._current()
    with made:
        answer = made.submit(os.getpid)
        (process,) = made._processes
        os.kill(process, signal.SIGINT)  # it has not begun to import
        assert answer.result() == process
        os.kill(process, signal.SIGINT)
        assert made.submit(os.getpid).result() == process
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_an_interrupt_while_a_process_starts_arrives_afterwards():
    with pytest.raises(KeyboardInterrupt), _without_interrupts():
        os.kill(os.getpid(), signal.SIGINT)


def test_a_pool_that_its_owner_shut_down_says_what_to_pass():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        pass
    with pytest.raises(NeuroError) as raised:
        evolve(executor).step()
    assert str(raised.value) == (
        "the ProcessPoolExecutor takes no more chunks: RuntimeError: cannot schedule new futures "
        "after shutdown; only its owner can make it anew. Futures.pool(4) makes its processes "
        f"anew; {RESUME}"
    )


# ---- How executors are named ----


def test_executors_by_name(pool):
    for given in (None, 1, "1"):
        assert isinstance(executor_of(given), Serial)
    assert executor_of(pool) is pool
    made = executor_of("pool:3")
    assert made._make().__dict__["_max_workers"] == 3
    assert all(isinstance(each, Executor) for each in (made, Serial(), executor_of(Here())))
    assert all(each.writes for each in (made, Serial()))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("pol:4", f"there is no executor 'pol:4'; the nearest names are pool; pass {FORMS}"),
        ("4", f"there is no executor '4'; pass {FORMS}"),
        (4, f"executor is 4; pass {FORMS}"),
        (True, f"executor is True; pass {FORMS}"),
        (Serial, f"executor is {Serial!r}; pass {FORMS}"),
        ("pool", "executor is 'pool'; write the number of processes, such as 'pool:4'"),
        ("pool:many", "executor is 'pool:many'; write the number of processes, such as 'pool:4'"),
        ("pool:0", "a pool of 0 workers is empty; take 1 or more"),
        (
            ThreadPoolExecutor(1),
            (
                "the workers of a ThreadPoolExecutor share one process and would score one after "
                "the other; pass Futures.pool(4), or None to score in this process"
            ),
        ),
        (
            "ranks",
            (
                "the environment has no RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT, so this is "
                "not one of several ranks; start the script with `clantune launch -n 4 script.py` "
                "or torchrun, or call torch.distributed.init_process_group before"
            ),
        ),
    ],
)
def test_an_executor_that_does_not_exist(given, message, monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NeuroError) as raised:
        evolve(given)
    assert str(raised.value) == message


def test_ranks_need_time_and_their_part_of_torch(monkeypatch):
    with pytest.raises(NeuroError) as raised:
        Ranks(timeout=0)
    assert str(raised.value) == "timeout is 0 seconds; it must be above 0"
    monkeypatch.setattr("torch.distributed.is_available", lambda: False)
    with pytest.raises(NeuroError) as raised:
        Ranks()
    assert str(raised.value) == (
        "this build of torch has no torch.distributed; pass Futures.pool(4)"
    )


def test_futures_take_one_of_two():
    for arguments in ({}, {"executor": Here(), "make": Here}):
        with pytest.raises(NeuroError) as raised:
            Futures(**arguments)
        assert str(raised.value) == "pass an executor, or make=FUNCTION, which returns one"


def test_an_address_that_is_no_scheduler():
    pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
    with pytest.raises(NeuroError) as raised:
        evolve("dask:nowhere").step()
    assert str(raised.value).startswith("no scheduler of Dask answers at 'nowhere': ")
    assert str(raised.value).endswith("; write dask:tcp://HOST:8786, as `dask scheduler` says it")


def test_executors_of_other_packages_are_entry_points(monkeypatch, empty_worker):
    class Point:
        name = "mine"

        def load(self):
            return lambda address: Here() if address == "there" else None

    monkeypatch.setattr("clantune_neuro.executors.choose.entry_points", lambda group: [Point()])
    with evolve("mine:there") as run:
        assert history(run) == serial()


# ---- What ranks send ----


def test_a_share_comes_back_with_every_bit():
    trace = RowTrace((3, 3, 1), (0, 2))
    each = (Outcome(Score(0.1 + 0.2, -1e-310, trace, 7)), Outcome(Score(float("-inf")), "why"))
    share = Share(
        {4: Outcomes(each, (Halving(3, 8, 4),)), 7: Outcomes(())},
        8,
        Failure("Task", "KeyError: 'é'", ("AQ", "Ag"), 5, "Traceback"),
    )
    assert Share.from_bytes(share.to_bytes()) == share
    nan = Share({0: Outcomes((Outcome(Score(float("nan"))),))}, error="a\nb")
    back = Share.from_bytes(nan.to_bytes())
    assert back.outcomes[0].each[0].score.dead
    assert back.error == "a\nb"
    assert Share.from_bytes(Share({}).to_bytes()) == Share({})
