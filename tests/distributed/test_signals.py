"""Signals to a run: it saves on all ranks together, leaves, and goes on as if never stopped."""

import contextlib
import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
import torch
from launchers import launch
from torch import nn

X = torch.randn(240, 2, generator=torch.Generator().manual_seed(1))
DATA = torch.utils.data.TensorDataset(X, X[:, :1] * X[:, 1:])
LINE = (
    r"rank (\d): SIG(TERM|INT) has stopped the run after step (\d+); the run goes on from "
    r"\S+step-0000000(\d\d)-round-"
)


def train(run, result, signals=(), recipe="factorial", pace=(), options=()):
    """Train to the end, unless a rank gets a signal: `[rank, step, number, seconds after it]`."""
    from clantune_clan import Clan
    from clantune_strategies import as_specified, factorial

    rank, is_first = int(os.environ["RANK"]), not os.path.isdir(run)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Dropout(0.1), nn.Linear(4, 1))
    given = {"total_steps": 36, "round_length": 12, "timeout": 60.0, **dict(options)}
    accumulate, num_workers = given.get("accumulate", 1), given.pop("num_workers", 0)
    clan = Clan(
        model=model,
        optimizer=torch.optim.AdamW(model.parameters(), lr=0.01),
        autobind=["adamw"],
        strategies={"factorial": factorial, "as specified": as_specified}[recipe](),
        history=f"{run}.jsonl",
        checkpoints=run,
        **given,
    )
    loader = clan.loader(DATA, 4, num_workers=num_workers)
    torch.manual_seed(rank)
    for member in clan.rounds():
        for batch, targets in member.batches(loader):
            time.sleep(dict(pace).get(str(rank), 0.0))
            for who, step, number, seconds in signals:
                if is_first and (who, step) == (rank, member.steps_done):
                    if seconds:
                        threading.Timer(seconds, os.kill, (os.getpid(), number)).start()
                    else:
                        os.kill(os.getpid(), number)
            (member.model(batch) - targets).square().mean().backward()
            if (member.steps_done + 1) % accumulate == 0:
                member.optimizer.step()
                member.optimizer.zero_grad()
        clan.step(lambda model: model(X).square().mean())
    records = [{**record.as_data(), "seconds": {}} for record in clan.history]
    weights = [parameter.tolist() for parameter in model.parameters()]
    Path(f"{result}.{rank}").write_text(json.dumps([weights, records]))


COMPETING = {"recipe": "as specified", "options": {"duty_cycle": 0.5}, "step": 20}
CASES = {
    "in cooperation": {"step": 15, "options": {"reduction": "exact"}},
    "at the end of a phase": {"step": 12, "options": {"reduction": "ddp"}},
    "in competition": COMPETING,
    "in competition, behind others": {**COMPETING, "pace": {"1": 0.3}},  # who wait at its end
    "while it waits for others": {**COMPETING, "pace": {"0": 0.3}, "step": 23, "seconds": 0.7},
    "in half clans": {
        "step": 17,
        "options": {"genome_config": {"2/p": {"type": "model"}}},
        "ranks": 4,
    },
    "in a member of two ranks": {
        **COMPETING,
        "options": {"duty_cycle": 0.5, "population_size": 2},
        "ranks": 4,
    },
    "while gradients accumulate": {"step": 17, "options": {"accumulate": 4}},
}


@pytest.mark.parametrize("case", CASES)
def test_a_signal_to_one_rank_saves_on_all_and_the_run_goes_on(forks, tmp_path, case):
    about = {"recipe": "factorial", "pace": {}, "ranks": 2, "seconds": 0, **CASES[case]}
    ranks, hit = about["ranks"], [[1, about["step"], signal.SIGTERM, about["seconds"]]]

    def call(name, signals):
        places = (str(tmp_path / f"run-{name}"), str(tmp_path / name))
        return (train, *places, signals, about["recipe"], about["pace"], about["options"])

    def results(name):
        return [json.loads((tmp_path / f"{name}.{rank}").read_text()) for rank in range(ranks)]

    calm, stopped = forks.run_at_once([call("calm", []), call("hit", hit)], ranks=ranks)
    assert [ended.status for ended in calm] == [0] * ranks, calm[0].printed
    assert [ended.status for ended in stopped] == [128 + signal.SIGTERM] * ranks, stopped
    for rank, ended in enumerate(stopped):
        assert "Traceback" not in ended.printed
        [(number, *_)] = re.findall(LINE, ended.printed)
        assert int(number) == rank
    again = forks.run(*call("hit", hit), ranks=ranks)
    assert [ended.status for ended in again] == [0] * ranks, again[0].printed
    assert results("hit") == results("calm")


# ---- Under a launcher ----

SLOW = """
import sys; sys.path.insert(0, sys.argv[1])
from test_signals import train
pace = dict.fromkeys("01", float(sys.argv[3]))
train(sys.argv[2], sys.argv[2], pace=pace, options={"num_workers": 1})
"""
LAUNCHERS = ("clantune launch", "torchrun")


@attrs.frozen
class Launched:
    """A launcher that runs.

    Attributes:
        pid: Number of its process.
        ended: Waits for its end, and returns how it ended.
    """

    pid: int
    ended: Callable

    def printed(self):
        """Return what it and its ranks have printed up to now."""
        return Path(f"/proc/{self.pid}/fd/2").read_text()


@contextlib.contextmanager
def launched(forks, launcher, tmp_path, pace=0.2):
    """Start a run of so many seconds per step; yield its launcher when it has begun to train."""
    script = tmp_path / "train.py"
    script.write_text(SLOW)
    arguments = [str(script), str(Path(__file__).parent), str(tmp_path / "run"), str(pace)]
    started = forks.start([(launch, launcher, 2, 0, *arguments)], ranks=1)
    [[pid]], ends = started.pids, []

    def ended():
        ends[:] = ends or started.ended()[0]
        return ends[0]

    try:
        # Two ranks, and a worker of each, which the launcher's signal to a group no longer reaches.
        wait_until(lambda: sum(map(leads_a_group, children(pid))) >= 4)
        yield Launched(pid, ended)
    finally:
        for each in [pid, *children(pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        ended()


def children(pid):
    """Return the descendants of a process."""
    own = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):  # it has ended
            if f"\nPPid:\t{pid}\n" in status.read_text():
                own.append(int(status.parent.name))
    return own + [each for child in own for each in children(child)]


def leads_a_group(pid):
    with contextlib.suppress(ProcessLookupError):
        return os.getpgid(pid) == pid
    return False


def wait_until(holds, seconds=90):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "this should have happened by now"
        time.sleep(0.1)


@pytest.mark.parametrize("launcher", LAUNCHERS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_launcher_saves_and_leaves_no_process(forks, tmp_path, launcher, number):
    with launched(forks, launcher, tmp_path) as process:
        everybody = children(process.pid)
        os.kill(process.pid, number)
        ended = process.ended()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in everybody))
    assert sorted(rank for rank, *_ in re.findall(LINE, ended.printed)) == ["0", "1"], ended
    assert len([*(tmp_path / "run").glob("step-*")]) == 1
    if launcher == "clantune launch":
        assert ended.status == 128 + number
        lines = ended.printed.splitlines()
        assert lines[-1] == f"clantune launch: ended by {signal.Signals(number).name}"
        assert len(lines) == 3, ended.printed


def test_a_second_signal_ends_the_run_at_once(forks, tmp_path):
    with launched(
        forks, "clantune launch", tmp_path, pace=600.0
    ) as process:  # none gets to the save
        everybody = children(process.pid)
        os.kill(process.pid, signal.SIGINT)
        time.sleep(3.0)
        os.kill(process.pid, signal.SIGINT)
        process.ended()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in everybody))
    assert not (tmp_path / "run").exists()


def test_a_question_is_answered_with_the_place_in_the_run(forks, tmp_path):
    with launched(forks, "clantune launch", tmp_path) as process:
        rank = children(process.pid)[0]
        os.kill(rank, signal.SIGUSR1)
        wait_until(lambda: re.search(r"^clantune: rank .*\n", process.printed(), re.MULTILINE))
        lines = process.printed().splitlines()
        assert re.fullmatch(
            r"clantune: rank \d: round 0, step \d+ of 36, cooperative; best result so far: none",
            next(line for line in lines if line.startswith("clantune: rank ")),
        )
        assert any("in train" in line for line in lines)  # and where its code is


def test_all_sockets_of_a_launch_are_on_the_loopback_address(forks, tmp_path):
    with launched(forks, "clantune launch", tmp_path) as process:
        ours = {
            os.readlink(path)
            for pid in [process.pid, *children(process.pid)]
            for path in Path(f"/proc/{pid}/fd").iterdir()
            if path.is_symlink()
        }
        listening = []
        for version, loopback in (("tcp", "0100007F"), ("tcp6", "0" * 24 + "01000000")):
            for line in Path(f"/proc/net/{version}").read_text().splitlines()[1:]:
                _, local, _, state, *_, inode = line.split()[:10]
                if state == "0A" and f"socket:[{inode}]" in ours:
                    listening.append((local.split(":")[0], loopback))
    assert len(listening) >= 3  # the store, and gloo in each rank
    assert [address for address, _ in listening] == [loopback for _, loopback in listening]
