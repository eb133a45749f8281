"""A run of several ranks that is saved, and goes on in other processes as if never stopped."""

import threading
from unittest import mock

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.amp import GradScaler

from clantune_clan import Checkpoints, Clan
from clantune_clan.checkpoint.part import Part
from clantune_strategies import as_specified, factorial

RECIPES = {
    "factorial": factorial,
    "calibrated": lambda: factorial(calibrate=True),
    "as specified": as_specified,
}
X = torch.randn(400, 4, generator=torch.Generator().manual_seed(1))
Y = X[:, :1] * X[:, 1:2]
DATA = torch.utils.data.TensorDataset(X, Y)
STEPS = 60


class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(DATA)


def make(recipe, *, stream=False, num_workers=0, half=False, **options):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 1)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
    given = {"autobind": ["adamw"], "total_steps": STEPS, "round_length": 6, "timeout": 20.0}
    if half:  # the scale grows until gradients overflow
        given["scaler"] = GradScaler("cpu", init_scale=2.0**10, growth_interval=2)
        given["scheduler"] = torch.optim.lr_scheduler.StepLR(optimizer, 10)
    clan = Clan(model=model, optimizer=optimizer, strategies=RECIPES[recipe](), **given | options)
    data = Stream() if stream else DATA
    loader = clan.loader(data, 4, num_workers=num_workers, drop_last=True)
    return clan, loader


def train(clan, loader, saves=(), folder=None, every_step=lambda step: None):
    """Train to the end, or to the last of the steps at which a checkpoint is written."""
    member = clan.round()
    while not clan.finished:
        for batch, targets in loader:
            one_step(clan, member, batch, targets)
            member.step()
            step = member.steps_done
            every_step(step)
            if member.done:
                clan.step(lambda model: (model(X[:64]) - Y[:64]).square().mean())
            if step in saves:
                clan.save(folder)
                if step == max(saves):
                    return
            if member.done:
                member = clan.round()


def one_step(clan, member, batch, targets):
    scaler = clan._setup.scaler
    if scaler is None:
        (member.model(batch) - targets).square().mean().backward()
        member.optimizer.step()
    else:
        with torch.autocast("cpu", dtype=torch.float16):
            loss = (member.model(batch) - targets).square().mean()
        scaler.scale(loss).backward()
        scaler.step(member.optimizer)
        scaler.update()
        for scheduler in clan._setup.schedulers.given:
            scheduler.step()
    member.optimizer.zero_grad()


def outcome(clan):
    """Return all that a run leads to, in bits."""
    state = clan._state
    tensors = [*state.model.state_dict().values()]
    tensors += [tensor for entry in state.optimizer.state.values() for tensor in entry.values()]
    records = [{**record.as_data(), "seconds": {}} for record in clan.history]
    scaler = clan._setup.scaler
    scale = None if scaler is None else scaler.state_dict()
    return [tensor.tolist() for tensor in tensors], clan.genome.serialize(), records, scale


def never_stopped(recipe, options):
    clan, loader = make(recipe, **options)
    torch.manual_seed(100 + dist.get_rank())  # dropout differs between ranks
    train(clan, loader)
    return outcome(clan)


def stopped(recipe, options, steps, folder):
    clan, loader = make(recipe, **options)
    torch.manual_seed(100 + dist.get_rank())
    train(clan, loader, steps, folder)


def saved_in_the_background(recipe, options, folder):
    """Train to the end. No file is written before two steps of the next round."""
    saved = Checkpoints(folder, keep=99, background=True)
    clan, loader = make(recipe, **options, checkpoints=saved)
    torch.manual_seed(100 + dist.get_rank())
    has_moved = threading.Event()

    def every_step(step):
        if clan.run_state.round and step == clan.run_state.step + 2:
            has_moved.set()

    def write(*arguments, usual=Part.write):
        assert has_moved.wait(60)
        has_moved.clear()
        return usual(*arguments)

    mock.patch.object(Part, "write", write).start()
    train(clan, loader, every_step=every_step)
    assert not has_moved.is_set()
    return outcome(clan)


def resumed(recipe, options, folder):
    clan, loader = make(recipe, **options)
    clan.resume(folder)
    train(clan, loader)
    return outcome(clan)


@pytest.mark.parametrize(
    ("recipe", "options", "size"),
    [
        pytest.param("factorial", {"reduction": "exact"}, 4, id="exact"),
        # Only two ranks compute the same bits again: a new wrapper adds up in another order.
        pytest.param("factorial", {"reduction": "ddp"}, 2, id="ddp"),
        pytest.param("as specified", {"duty_cycle": 0.5}, 4, id="competing"),
        pytest.param("as specified", {"half": True, "duty_cycle": 0.5}, 3, id="a scaler"),
        pytest.param("calibrated", {"total_steps": 60}, 3, id="calibrated"),
        pytest.param("factorial", {"num_workers": 1}, 2, id="a worker in the loader"),
        pytest.param("factorial", {"stream": True}, 2, id="a stream"),
        pytest.param("factorial", {"population_size": 2}, 4, id="members of two ranks"),
        pytest.param(
            "factorial", {"genome_config": {"3/p": {"type": "model"}}}, 4, id="half clans"
        ),
    ],
)
def test_a_run_that_goes_on_is_the_run_that_was_never_stopped(
    ranks, tmp_path, recipe, options, size
):
    wanted = ranks(size).run(never_stopped, recipe, options)
    steps = [5, 12, 21, 46]
    ranks(size).run(stopped, recipe, options, steps, str(tmp_path))
    for step in steps:
        folder = str(tmp_path / f"step-{step:09d}-round-{step // 6:05d}")
        assert ranks(size).run(resumed, recipe, options, folder) == wanted, step


@pytest.mark.parametrize(
    ("recipe", "options", "size"),
    [
        pytest.param("factorial", {"reduction": "exact"}, 4, id="exact"),
        pytest.param("as specified", {"duty_cycle": 0.5}, 2, id="competing"),
        pytest.param("calibrated", {}, 3, id="calibrated"),
        pytest.param("factorial", {"num_workers": 1}, 2, id="a worker in the loader"),
    ],
)
def test_a_checkpoint_of_the_background_is_as_one_of_the_foreground(
    ranks, tmp_path, recipe, options, size
):
    wanted = ranks(size).run(never_stopped, recipe, options)
    folder = tmp_path / "run"
    assert ranks(size).run(saved_in_the_background, recipe, options, str(folder)) == wanted
    best, *saved = sorted(folder.iterdir())
    assert best.name == "best.safetensors"
    assert len(saved) == len({record["round"] for record in wanted[0][2]}) - 1
    for each in saved[::4]:
        assert ranks(size).run(resumed, recipe, options, str(each)) == wanted, each
