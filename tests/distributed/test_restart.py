"""Runs whose processes are killed: a launcher starts them again, and they go on by themselves."""

import json

import pytest
from launchers import launch

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


def launched(
    forks, tmp_path, run, kills, processes, restarts, *, place="foreground", by="torchrun"
):
    """Run the script, in the folder of a run that may have begun before; return how that ended."""
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    places = [str(tmp_path / run), str(tmp_path / f"{run}.json")]
    [ended] = forks.run(
        launch, by, processes, restarts, str(script), *places, kills, place, ranks=1
    )
    return ended


def results(forks, tmp_path, run, kills, processes=2, **options):
    """Return what each rank came to, in the attempt that reached the end."""
    ended = launched(forks, tmp_path, run, kills, processes, restarts=2, **options)
    assert ended.status == 0, ended.printed
    files = [tmp_path / f"{run}.json.{rank}" for rank in range(processes)]
    return [json.loads(file.read_text()) for file in files]


@pytest.fixture(scope="module")
def calm(forks, tmp_path_factory):
    """A run that nobody kills."""
    return results(forks, tmp_path_factory.mktemp("calm"), "calm", "calm")


@pytest.mark.parametrize(
    ("place", "by"), [("foreground", "torchrun"), ("background", "clantune launch")]
)
def test_a_run_that_is_killed_twice_is_the_run_that_was_never_killed(
    forks, tmp_path, calm, place, by
):
    killed = results(forks, tmp_path, "killed", "kills", place=place, by=by)
    assert [attempt for attempt, *_ in calm] == [0, 0]
    assert [attempt for attempt, *_ in killed] == [2, 2]
    assert [rest for _, *rest in killed] == [rest for _, *rest in calm]
    folders = sorted(each.name for each in (tmp_path / "killed").iterdir())
    assert folders == [
        "best.safetensors",
        "step-000000030-round-00006",
        "step-000000035-round-00007",
    ]


@pytest.mark.parametrize(("before", "after"), [(4, 2), (2, 4)])
def test_a_run_that_is_killed_goes_on_with_another_number_of_processes(
    forks, tmp_path, before, after
):
    assert launched(forks, tmp_path, "run", "kills", before, restarts=0).status != 0
    answers = results(forks, tmp_path, "run", "calm", after)
    records = answers[0][-1]
    assert [sum(each["round"] == number for each in records) for number in range(8)] == (
        [before] * 2 + [after] * 6
    )
    assert [each["start"] for each in records if each["member"] == 0] == [*range(0, 40, 5)]
    continues = [each["continues"] for each in records]
    changed = continues[2 * before : 2 * before + after]
    assert len({*changed}) == min(before, after)
    assert {*changed} <= {*range(before)}
    assert {*continues[: 2 * before], *continues[2 * before + after :]} == {None}
