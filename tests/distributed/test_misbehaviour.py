"""What one rank does wrong ends on every rank in time, by an error that names the rank."""

import json
import os
import re
import resource
import signal
import sys
import time
from unittest import mock

import pytest
import torch
from torch import nn

LONG, TIMEOUT = 60.0, 4.0
DATA = torch.ones(8, 4)


def error_of(ended):
    """Return the last error that a process printed, without the lines of its traceback."""
    lines = [re.sub(r"^\[rank\d\]: ?", "", line) for line in ended.printed.splitlines()]
    begin = max(i for i, line in enumerate(lines) if line.startswith("Traceback"))
    return "\n".join(line for line in lines[begin + 1 :] if line and line[0] not in " ^[")


def assert_only_missing(rank, ended):
    """Check that a process has named one rank as missing, and no other one."""
    told = error_of(ended)
    assert told.startswith("clantune_clan.errors.CommunicationError: "), ended.printed
    assert re.findall(r"rank (\d) is missing, last seen at ", told) == [str(rank)], told
    assert ended.status == 1
    assert ended.seconds < LONG


def breaks(how):
    """Do what a rank should not do."""
    if how == "an error":
        error = ValueError("no data")
        error.add_note("in shard 7")
        raise error
    if how == "no memory":
        raise MemoryError
    if how == "Ctrl-C":
        raise KeyboardInterrupt
    if how == "sys.exit(0)":
        sys.exit(0)
    os.kill(os.getpid(), getattr(signal, how))


def train(place="", how="", timeout=LONG, depth=1, **options):
    """Train three rounds; in the second one, rank 1 misbehaves at a place."""
    from clantune_clan import Clan
    from clantune_strategies import as_specified

    rank = int(os.environ["RANK"])
    torch.manual_seed(0)
    hidden = [nn.Linear(4, 600), *(nn.Linear(600, 600) for _ in range(depth - 2))]
    model = nn.Sequential(*hidden, nn.Linear(600, 1)) if depth > 1 else nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    given = {"autobind": ["sgd"], "round_length": 6, "total_steps": 18, "duty_cycle": 0.5}
    given |= {"strategies": as_specified(), "timeout": timeout} | options
    clan = Clan(model=model, optimizer=optimizer, **given)

    def at(here):
        if (here, rank, clan.run_state.round) == (place, 1, 1):
            breaks(how)

    def judge(judged):
        at("validation")
        return judged(DATA).square().mean()

    for member in clan.rounds():
        while not member.done:
            if member.steps_done % 6 in (1, 4):
                at(member.mode)
            member.model(DATA).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            member.step()
        at("before the turnover")
        clan.step(judge)


PLACES = ("cooperative", "competitive", "validation", "before the turnover")
SAID = {
    "an error": "ValueError: no data",
    "no memory": "MemoryError",
    "Ctrl-C": "KeyboardInterrupt",
    "sys.exit(0)": "SystemExit: its process ended before the clan was closed",
}
STATUS = {"sys.exit(0)": 0, "Ctrl-C": -signal.SIGINT}


@pytest.mark.parametrize("how", SAID)
def test_why_a_rank_ends_is_told_to_all_others_at_once(forks, how):
    runs = forks.run_at_once([(train, place, how) for place in PLACES])
    for place, (first, second, third) in zip(PLACES, runs, strict=True):
        assert second.status == STATUS.get(how, 1), second.printed
        for ended in (first, third):
            assert ended.status == 1, (place, ended.printed)
            assert ended.seconds < LONG
            told = error_of(ended).splitlines()
            assert told[0] == f"clantune_clan.errors.ClanError: rank 1: {SAID[how]}", place
            if how == "an error":
                assert told[1] == "in shard 7"
            assert "raised on rank 1, whose log has the traceback" in told


def test_a_rank_that_is_killed_is_the_only_one_that_is_missing(forks):
    runs = forks.run_at_once([(train, place, "SIGKILL", TIMEOUT) for place in PLACES])
    for place, (first, second, third) in zip(PLACES, runs, strict=True):
        assert second.status == -signal.SIGKILL
        for ended in (first, third):
            assert ended.status == 1, (place, ended.printed)
            assert_only_missing(1, ended)


def train_a_deep_model():
    """Train a model whose gradients are averaged in several parts."""
    train("cooperative", "SIGKILL", depth=6, reduction="ddp")


def test_who_vanishes_while_parts_of_gradients_are_averaged_is_named(forks):
    first, second, third = forks.run(train_a_deep_model)
    assert second.status == -signal.SIGKILL
    for ended in (first, third):
        assert_only_missing(1, ended)


def train_and_lose_a_worker():
    """Train, and let the kernel kill the process that loads ahead on rank 1."""
    batches = iter(torch.utils.data.DataLoader(DATA.repeat(9, 1), num_workers=1))

    def lose():
        next(batches)
        os.kill(batches._workers[0].pid, signal.SIGKILL)
        for _ in range(10):
            next(batches)

    with mock.patch.dict(globals(), breaks=lambda _: lose()):
        train("competitive", "a worker")


def test_a_rank_whose_worker_of_a_loader_is_killed_is_named(forks):
    first, second, third = forks.run(train_and_lose_a_worker)
    assert second.status == 1
    for ended in (first, third):
        assert ended.status == 1
        told = error_of(ended)
        reason = re.match(r"clantune_clan.errors.ClanError: rank 1: (\w+)", told)[1]
        assert reason != "SystemExit"
        assert re.search(rf"^(\[rank1\]: ?)?{reason}", second.printed, re.MULTILINE), told


def train_and_break_in_a_transfer(how):
    """Train, and let rank 1 misbehave after it has begun to send."""
    from clantune_clan.communication.transfer import Transfer

    usual = Transfer.exchange

    def exchange(*arguments):
        work = usual(*arguments)
        if os.environ["RANK"] == "1":
            breaks(how)
        return work

    with mock.patch.object(Transfer, "exchange", exchange):
        train(timeout=TIMEOUT)


def test_a_rank_that_vanishes_amid_a_transfer_is_the_only_one_that_is_missing(forks):
    ways = ("SIGKILL", "SIGSTOP")
    runs = forks.run_at_once([(train_and_break_in_a_transfer, how) for how in ways])
    for first, second, third in runs:
        assert second.status == -signal.SIGKILL
        for ended in (first, third):
            assert_only_missing(1, ended)


def test_a_rank_that_fails_amid_a_transfer_tells_why(forks):
    first, second, third = forks.run(train_and_break_in_a_transfer, "no memory")
    assert second.status == 1
    for ended in (first, third):
        told = error_of(ended).splitlines()
        assert told[0] == "clantune_clan.errors.ClanError: rank 1: MemoryError"


def train_with_a_host_that_stops(step):
    """Train, and let rank 0, which hosts the store, be stopped."""
    from clantune_clan.reduction import Gradients

    usual = Gradients.at_step

    def at_step(gradients, now):
        if (os.environ["RANK"], now) == ("0", step):
            os.kill(os.getpid(), signal.SIGSTOP)
        usual(gradients, now)

    with mock.patch.object(Gradients, "at_step", at_step):
        train(timeout=TIMEOUT)


def test_a_host_of_the_store_that_is_stopped_is_an_error_within_a_deadline(forks):
    for host, *others in forks.run_at_once([(train_with_a_host_that_stops, n) for n in (8, 11)]):
        assert host.status == -signal.SIGKILL
        for ended in others:
            told = error_of(ended)
            assert "the process that hosts the store" in told, told
            assert "has not answered within 8 s: is it stopped, or its machine gone?" in told
            assert ended.seconds < LONG


def start_and_stop(rank, where):
    """Make a clan, and let a rank be stopped before it makes process groups."""
    from clantune_clan.communication.groups import Groups

    place = (torch.distributed, "init_process_group") if where == "world" else (Groups, "make")
    usual = getattr(*place)

    def make(*arguments, **options):
        if os.environ["RANK"] == rank:
            os.kill(os.getpid(), signal.SIGSTOP)
        usual(*arguments, **options)

    with mock.patch.object(*place, make):
        train(timeout=TIMEOUT)


def test_a_rank_that_is_stopped_during_the_start_is_an_error_within_a_deadline(forks):
    ways = [("0", "world"), ("0", "groups"), ("1", "world"), ("1", "groups")]
    runs = forks.run_at_once([(start_and_stop, *way) for way in ways])
    for (rank, where), ended in zip(ways, runs, strict=True):
        for other, each in enumerate(ended):
            if str(other) == rank:
                assert each.status == -signal.SIGKILL, where
            elif rank == "0":
                assert "has not answered within 8 s: is it stopped, or its " in error_of(each)
            else:
                assert_only_missing(1, each)


def train_with_a_straggler():
    """Train, and let rank 1 come to the end of a phase shortly after the others gave up."""
    from clantune_clan.communication.arrival import Arrivals

    usual = Arrivals.meet

    def meet(arrivals, where, *word):
        if (os.environ["RANK"], where) == ("1", "the end of step 12"):
            time.sleep(1.25 * TIMEOUT)
        return usual(arrivals, where, *word)

    with mock.patch.object(Arrivals, "meet", meet):
        train(timeout=TIMEOUT)


def test_a_rank_that_comes_after_the_deadline_is_named_with_how_late_it_was(forks):
    first, second, third = forks.run(train_with_a_straggler)
    for rank, ended in ((0, first), (2, third)):
        assert re.fullmatch(
            rf"clantune_clan.errors.CommunicationError: rank {rank} has waited in vain at the end "
            r"of step 12; rank 1 came \d\.\d s later; see the log of what is missing, or give slow "
            r"members more than 4 s: timeout=\.\.\.",
            error_of(ended),
        )
    assert re.fullmatch(
        r"clantune_clan.errors.CommunicationError: rank 1 came to the end of step 12 \d\.\d s "
        r"after rank [02] had stopped waiting for it: give slow members more than 4 s: "
        r"timeout=\.\.\.",
        error_of(second),
    )


def start(how):
    """Make a clan that differs on rank 1."""
    from clantune_clan.communication import members

    if os.environ["RANK"] != "1":
        train(timeout=TIMEOUT)
    if how == "never":
        sys.exit(3)
    if how == "argument":
        train(mode="maximum", timeout=TIMEOUT)
    if how == "keyword":
        train(learning_rate=0.1, timeout=TIMEOUT)
    if how == "population":
        train(population_size=1, timeout=TIMEOUT)
    if how == "package":
        other = {**members.versions(), "torch": "2.9.0"}
        with mock.patch.object(members, "versions", return_value=other):
            train(timeout=TIMEOUT)


DIFFERENCES = {
    "argument": "rank 1: mode is 'min' or 'max'; got 'maximum'",
    "population": "the ranks differ in the clan: population_size is 3 on rank 0 and 1 on rank 1; "
    "build the same on every rank",
    "package": f"the ranks differ in the packages: torch is {torch.__version__} on rank 0 and "
    "2.9.0 on rank 1; build the same on every rank",
}


def test_a_rank_that_starts_otherwise_is_named(forks):
    ways = ("never", "argument", "keyword", "population", "package")
    for how, (first, _, third) in zip(
        ways, forks.run_at_once([(start, how) for how in ways]), strict=True
    ):
        for rank, ended in ((0, first), (2, third)):
            told = error_of(ended).splitlines()[0].removeprefix("clantune_clan.errors.")
            assert ended.seconds < LONG
            if how in ("never", "keyword"):
                assert told.startswith(
                    f"CommunicationError: rank {rank} has waited in vain at the start of the "
                    "process group; rank 1 is missing, last seen at its start; "
                )
            else:
                assert told == "ClanError: " + DIFFERENCES[how]


def test_a_launcher_that_dies_during_the_start_is_an_error_within_the_timeout(forks):
    for rank, ended in enumerate(
        forks.run(train, "", "", TIMEOUT, TORCHELASTIC_USE_AGENT_STORE="True")
    ):
        assert re.match(
            rf"clantune_clan.errors.CommunicationError: rank {rank} cannot reach the store at "
            r"127.0.0.1:\d+, which the launcher hosts, within 4 s \(",
            error_of(ended),
        )
        assert ended.seconds < LONG


def train_with_history(path, how):
    """Train, and spoil the history of rank 0 in the second round."""
    rank, done = os.environ["RANK"], []

    def spoil(records):
        done.append(records)
        if (rank, how) == ("0", "removed"):
            os.remove(path)
        if (rank, how) == ("0", "full"):  # as on a full disk, a part of the next records fits
            limit = os.path.getsize(path) + 50
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    train(timeout=TIMEOUT, history=path, observers=[spoil])


def test_a_history_that_cannot_be_written_is_an_error_on_all_and_has_whole_lines(forks, tmp_path):
    full, removed = str(tmp_path / "full.jsonl"), str(tmp_path / "removed.jsonl")
    spoiled, gone = forks.run_at_once(
        [(train_with_history, full, "full"), (train_with_history, removed, "removed")]
    )
    for runs, words in ((spoiled, f"the history {full} cannot be written: "), (gone, removed)):
        for ended in runs:
            assert words in error_of(ended).splitlines()[0]
            assert ended.status == 1
    with open(full) as file:
        rounds = [json.loads(line).get("round") for line in file]
    assert [number for number in rounds if number is not None] == [0, 0, 0]
