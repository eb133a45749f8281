"""How runs end: process groups, threads and sockets as before, and every process with status 0."""

import re
import socket
import subprocess
import sys

import pytest
import torch.distributed as dist
from launchers import be_script, launch

from clantune_clan import ClanError, Communication

TIMEOUT = 30.0

COUNTING = """
import os, sys

def usage():
    tasks = [f"/proc/self/task/{task}/comm" for task in os.listdir("/proc/self/task")]
    threads = sorted(open(task).read().strip() for task in tasks)
    return threads, len(os.listdir("/proc/self/fd"))

def leave():
    sys.stdout.write(f"left: {' '.join(usage()[0])}\\n")  # in one piece, beside other processes

at_last.append(leave)  # `forks.py` calls it after all that the modules have registered
"""

TRAINING = """
import sys
import torch
from torch import nn
from clantune_clan import Clan

torch.set_num_threads(1)

def train(steps, **options):
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    given = {"round_length": 4, "autobind": ["adamw"], "timeout": 30.0, **options}
    clan = Clan(model=model, optimizer=optimizer, **given)
    while not clan.finished:
        member = clan.round()
        while not member.done:
            model(torch.ones(2, 4)).square().sum().backward()
            optimizer.step()
            optimizer.zero_grad()
            member.step()
            steps -= 1
            if not steps:
                return clan
        clan.step(lambda model: model(torch.ones(2, 4)).square().sum())
    return clan
"""


def run(source, *arguments):
    """Be a script."""
    sys.argv[1:] = arguments
    be_script(COUNTING + source)


def left(ended):
    """Return the threads that a process had at its end."""
    return re.findall(r"^left: (.*)$", ended.printed, re.MULTILINE)


ONE_AFTER_THE_OTHER = """
import gc
kept = []
for number in range(int(sys.argv[1])):
    clan = train(6)  # left in the middle of its second round
    clan.close()
    kept.append(clan)
    train(0, total_steps=8)  # closes itself
    gc.collect()
    if number == 0:
        before = usage()
assert usage() == before, (usage(), before)
assert not torch.distributed.is_initialized()
raise KeyError("the end")
"""


def test_clans_one_after_the_other_leave_nothing_behind(forks):
    for rank, ended in enumerate(forks.run(run, TRAINING + ONE_AFTER_THE_OTHER, "20", ranks=2)):
        assert ended.status == 1, ended.printed
        assert f"\n[rank{rank}]: KeyError: 'the end'\n" in ended.printed  # the rank is said once


LEAVING = """
import time
how = sys.argv[1 + train(6).communicator.rank]
if how == "sys.exit":
    sys.exit(0)
if how == "an error":
    raise KeyError(how)
if how == "later":
    time.sleep(5.0)
"""


@pytest.mark.parametrize(
    ("ways", "wanted"),
    [
        (["an error", "sys.exit"], [1, 0]),
        (["break", "later"], [0, 0]),  # than the rank that hosts the store
    ],
)
def test_a_run_that_is_left_ends_with_its_own_status_and_no_thread(forks, ways, wanted):
    host, other = ends = forks.run(run, TRAINING + LEAVING, *ways, ranks=2)
    assert [ended.status for ended in ends] == wanted, ends
    assert left(host) == ["pt_tcpstore_uv python"]  # it hosts the store
    assert left(other) == ["python"]


def test_scripts_that_leave_their_loop_end_with_status_0_under_torchrun(forks, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(COUNTING + TRAINING + "train(6)")
    both = forks.run_at_once([(launch, "torchrun", 2, 0, str(script))] * 2, ranks=1)
    for [ended] in both:
        assert ended.status == 0, ended.printed
        assert left(ended) == ["python"] * 2


LATE_GROUP = """
import torch.multiprocessing as mp
from torch.distributed import init_process_group, destroy_process_group
from clantune_clan import ClanError

model = nn.Linear(4, 1)
clan = Clan(model=model, optimizer=torch.optim.SGD(model.parameters(), 0.1), autobind=["sgd"])

def main(rank, port):
    init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    try:
        clan.round()
    except ClanError as error:
        sys.stdout.write(f"{error}\\n")  # in one piece, beside the other process
    destroy_process_group()

if __name__ == "__main__":
    mp.spawn(main, [sys.argv[1]], nprocs=2)
"""


def test_a_clan_that_is_made_before_the_process_group_says_so_at_its_first_round(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(TRAINING + LATE_GROUP)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = subprocess.run(
        [sys.executable, script, str(port)], capture_output=True, text=True, check=True
    )
    message = (
        "the world size is 2, but it was 1 when this clan was made, so it does not reach every "
        "rank: make the clan after torch.distributed.init_process_group(...); a framework "
        "calls that late, so make it in configure_optimizers of a LightningModule instead of "
        "__init__, or in the function that torch.multiprocessing.spawn starts"
    )
    assert done.stdout.splitlines() == [message] * 2


def test_several_processes_that_cannot_be_joined_are_an_error(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(ClanError) as raised:
        Communication()
    assert str(raised.value) == (
        "WORLD_SIZE says that this is one of 4 processes, but the clan cannot join the others "
        "without MASTER_ADDR and MASTER_PORT in the environment: start the script with torchrun or "
        "`clantune launch`, or make the clan after torch.distributed.init_process_group(...). In "
        "Lightning, leave the clan out of the module, and write "
        "Trainer(callbacks=[ClanCallback(judge='val_loss')])"
    )


def two_channels():
    first, second = Communication(timeout=TIMEOUT), Communication(timeout=TIMEOUT)
    values = first.gather("the first one", 1) + second.gather("the second one", 2)
    first.close()
    first.close()
    values += second.gather("the second one again", 3)
    second.close()
    with pytest.raises(ClanError) as raised:
        second.gather("the end", None)
    dist.barrier()  # the process group is the user's, and stays
    return values, str(raised.value)


def test_a_channel_that_is_closed_leaves_the_others_and_the_users_group(ranks):
    message = "this channel is closed, so it cannot be used for the end: make another one"
    assert ranks(2).run(two_channels) == [([1, 1, 2, 2, 3, 3], message)] * 2
