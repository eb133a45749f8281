"""Meetings on the stores of torch: words arrive, and who is missing is named, also much later."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import torch.distributed as dist

from clantune_clan.communication.arrival import Arrivals
from clantune_clan.communication.failure import Failure
from clantune_clan.errors import ClanError

TIMEOUT = 1.5
NO_DATA = Failure.of(ValueError("no data"))


def tcp(count, _):
    options = {"wait_for_workers": False, "timeout": timedelta(seconds=20)}
    host = dist.TCPStore("127.0.0.1", 0, is_master=True, **options)
    return [host, *(dist.TCPStore("127.0.0.1", host.port, **options) for _ in range(count - 1))]


def in_memory(count, _):
    return [dist.HashStore()] * count


def in_a_file(count, path):
    return [dist.FileStore(str(path / "store"), count) for _ in range(count)]


@pytest.fixture(params=[tcp, in_memory, in_a_file], ids=lambda make: make.__name__)
def act(request, tmp_path):
    """Let ranks, a thread each, do what their functions say with their arrivals."""

    def run(*functions):
        stores = request.param(len(functions), tmp_path)
        ranks = [
            Arrivals(
                dist.PrefixStore("here", each), rank, len(functions), timedelta(seconds=TIMEOUT)
            )
            for rank, each in enumerate(stores)
        ]
        with ThreadPoolExecutor(len(functions)) as pool:
            return [done.result() for done in [*map(pool.submit, functions, ranks)]]

    return run


def words(*names, times=3):
    """Return functions that bring words to as many meetings, and return what they are told."""

    def function(name):
        return lambda arrivals: [
            told(arrivals, f"meeting {number}", f"{name}{number}") for number in range(times)
        ]

    return [function(name) for name in names]


def told(arrivals, where, word=""):
    try:
        return arrivals.meet(where, word)
    except ClanError as error:
        return str(error)


def test_all_read_the_words_of_all(act):
    wanted = [[f"{name}{number}" for name in ("a ", "é", "")] for number in range(20)]
    assert act(*words("a ", "é", "", times=20)) == [wanted] * 3


def test_an_announcement_at_the_first_meeting_is_read_at_once(act):
    found, _ = act(lambda rank: told(rank, "the start"), lambda rank: rank.announce(NO_DATA))
    assert found == "rank 1: ValueError: no data"  # and nothing of a wait that timed out


def test_the_last_rank_to_leave_takes_everything_out_of_the_store(tmp_path):
    store = dist.HashStore()
    first, second = (Arrivals(store, rank, 2, timedelta(seconds=TIMEOUT)) for rank in range(2))
    with ThreadPoolExecutor(2) as pool:
        for number in range(3):
            [*pool.map(lambda each, n=number: each.meet(f"meeting {n}"), (first, second))]
    second.announce(NO_DATA)
    second.close()
    assert told(first, "the end") == "rank 1: ValueError: no data"
    first.close()
    assert store.num_keys() == 0


# A store in a file counts whole seconds only, and tries several times.
in_time = pytest.mark.parametrize("act", [tcp, in_memory], indirect=True)


@in_time
def test_a_rank_that_comes_too_late_is_named_and_comes_along_again(act):
    def late(arrivals):
        met = told(arrivals, "meeting 0", "b0")
        time.sleep(2.2 * TIMEOUT)
        return [met, told(arrivals, "meeting 1", "b1"), told(arrivals, "meeting 2", "b2")]

    first, second = act(*words("a"), late)
    assert first[0] == second[0] == ["a0", "b0"]
    assert first[1].startswith(
        "rank 0 has waited in vain at meeting 1; rank 1 is missing, last seen at meeting 0"
    )
    assert second[1].startswith("rank 1 came to meeting 1 ")
    assert first[2] == second[2] == ["a2", "b2"]


@in_time
def test_words_of_another_meeting_are_never_read(act):
    def much_too_late(arrivals):
        met = [told(arrivals, f"meeting {number}", f"c{number}") for number in range(2)]
        time.sleep(5 * TIMEOUT)  # the others have given up at 2, 3 and 4, and wait at 5
        return [*met, *(told(arrivals, f"meeting {n}", f"c{n}") for n in range(2, 6))]

    found = act(*words("a", "b", times=6), much_too_late)
    for told_to_one in found:
        for number, heard in enumerate(told_to_one):
            whole = [f"{name}{number}" for name in "abc"]
            assert heard == whole or f"at meeting {number}" in heard or "came to meeting" in heard
    for heard in (*found[0][2:5], *found[1][2:5]):
        assert "rank 2 is missing, last seen at meeting 1" in heard
    assert [heard[5] for heard in found] == [["a5", "b5", "c5"]] * 3
