"""Runs whose processes are killed: torchrun starts them again, and they go on by themselves."""

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json, os, signal, sys
import torch
from torch import nn
from clantune_clan import Checkpoints, Clan
from clantune_clan.checkpoint import writing
from clantune_strategies import as_specified

torch.set_num_threads(1)
torch.manual_seed(0)
run, result, kills, place = sys.argv[1:]
attempt, rank = int(os.environ["TORCHELASTIC_RESTART_COUNT"]), int(os.environ["RANK"])
saves = 0

def kill_if(is_time):
    if kills == "kills" and is_time:
        os.kill(os.getpid(), signal.SIGKILL)

def complete(*arguments, usual=writing._complete):
    global saves
    saves += 1
    kill_if(attempt == 1 and rank == 0 and saves == 2)  # all is written but the manifest
    usual(*arguments)

writing._complete = complete
x = torch.randn(320, 2, generator=torch.Generator().manual_seed(1))
model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Dropout(0.1), nn.Linear(4, 1))
clan = Clan(
    model=model, optimizer=torch.optim.AdamW(model.parameters(), lr=0.01), autobind=["adamw"],
    total_steps=40, round_length=5, duty_cycle=0.4, strategies=as_specified(), timeout=30.0,
    history=run + ".jsonl", checkpoints=Checkpoints(run, keep=2, background=place == "background"),
)
loader = clan.loader(torch.utils.data.TensorDataset(x, x[:, :1] * x[:, 1:]), 4)
torch.manual_seed(rank)
for member in clan.rounds():
    for batch, targets in member.batches(loader):
        kill_if((attempt, rank, member.steps_done, member.mode) == (0, 1, 14, "competitive"))
        (member.model(batch) - targets).square().mean().backward()
        member.optimizer.step()
        member.optimizer.zero_grad()
    clan.step(lambda model: model(x).square().mean())
records = [{**record.as_data(), "seconds": {}} for record in clan.history]
weights = [parameter.tolist() for parameter in model.parameters()]
with open(f"{result}.{rank}", "w") as file:
    json.dump([attempt, weights, records], file)
"""


def results(tmp_path, kills, place):
    """Return what each rank came to, in the attempt that reached the end."""
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    options = ["--standalone", "--nproc-per-node", "2", "--max-restarts", "2"]
    places = [str(tmp_path / kills), str(tmp_path / f"{kills}.json")]
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *options, script, *places, kills, place],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads((tmp_path / f"{kills}.json.{rank}").read_text()) for rank in range(2)]


@pytest.mark.parametrize("place", ["foreground", "background"])
def test_a_run_that_is_killed_twice_is_the_run_that_was_never_killed(tmp_path, place):
    calm, killed = results(tmp_path, "calm", place), results(tmp_path, "kills", place)
    assert [attempt for attempt, *_ in calm] == [0, 0]
    assert [attempt for attempt, *_ in killed] == [2, 2]
    assert [rest for _, *rest in killed] == [rest for _, *rest in calm]
    folders = sorted(each.name for each in (tmp_path / "kills").iterdir())
    assert folders == ["best.safetensors", "step-000000030", "step-000000035"]
