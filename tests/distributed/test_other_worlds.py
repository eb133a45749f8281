"""A run that some members have saved goes on with fewer or more, or with other numbers of ranks."""

import json
from pathlib import Path

import attrs
import pytest
import torch
from torch import nn

from clantune_clan import Clan
from clantune_core import AbstractCrossbreedingStrategy, Ancestry
from clantune_strategies import Dominant, Gaussian, as_specified, factorial, pbt

X = torch.randn(400, 4, generator=torch.Generator().manual_seed(1))
Y = X[:, :1] * X[:, 1:2]
DATA = torch.utils.data.TensorDataset(X, Y)
LENGTH, STEPS = 6, 60
LOSSES = [9.5, 9.2, 9.4, 9.3]
"""Losses of the members before the change: 1 is the fittest, then 3, 2 and 0."""


@attrs.frozen
class KeepOwn(AbstractCrossbreedingStrategy):
    """Each member keeps its own weights."""

    def select_ancestry(self, population_genomes, context):
        return Ancestry.sole(context.rank, population_genomes)


RECIPES = {
    "factorial": factorial,
    "calibrated": lambda: factorial(calibrate=True),
    "as specified": as_specified,
    "PBT": pbt,
    "own": lambda: [KeepOwn(), Dominant(), Gaussian()],
}


def make(recipe, **options):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 1)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 10)
    given = {
        "autobind": ["adamw"],
        "total_steps": STEPS,
        "round_length": LENGTH,
        "scheduler": None if recipe == "calibrated" else scheduler,
        "timeout": 30.0,
    }
    clan = Clan(model=model, optimizer=optimizer, strategies=RECIPES[recipe](), **given | options)
    return clan, clan.loader(DATA, 4, drop_last=True)


def train(clan, loader, member, losses=None, until=STEPS):
    """Train to a number of steps; judge each member by its entry in `losses`, or by its model."""
    while True:
        for batch, targets in loader:
            (member.model(batch) - targets).square().mean().backward()
            member.optimizer.step()
            member.optimizer.zero_grad()
            if (scheduler := clan._setup.scheduler) is not None:
                scheduler.step()
            member.step()
            step = member.steps_done
            if member.done:
                index = clan.communicator.member_index
                clan.step(judge if losses is None else losses[index])
            if step == until:
                return
            if member.done:
                member = clan.round()


def judge(model):
    return (model(X[:64]) - Y[:64]).square().mean()


def state_of(clan):
    """Return the state that a member goes on with, in bits."""
    state = clan._state
    tensors = [*state.model.state_dict().values(), *state.average.state_dict().values()]
    tensors += [each for entry in state.optimizer.state.values() for each in entry.values()]
    scheduler = clan._setup.scheduler
    return [tensor.tolist() for tensor in tensors], scheduler and scheduler.last_epoch


def weights(model):
    return [parameter.tolist() for parameter in model.parameters()]


def save(recipe, options, step, folder, losses=LOSSES):
    clan, loader = make(recipe, **options)
    train(clan, loader, clan.round(), losses, step)
    clan.save(folder)
    return {"state": state_of(clan), "genome": clan.genome, "best": weights(clan.best())}


def go_on(recipe, options, folder, losses=None):
    clan, loader = make(recipe, **options)
    clan.resume(folder)
    found = {"best": weights(clan.best()), "step": clan.run_state.step}
    member = clan.round()
    found |= {"state": state_of(clan), "genome": clan.genome}
    train(clan, loader, member, losses)
    clan.export_schedule(f"{folder}.json")
    return {**found, "rounds": [*clan.history.rounds()], "last": weights(clan.best())}


def case(name, recipe, sizes, continues, **options):
    return pytest.param(recipe, sizes, continues, options, id=name)


@pytest.mark.parametrize("step", [24, 27, 29])  # between two rounds, and in both phases of a round
@pytest.mark.parametrize(
    ("recipe", "sizes", "continues", "options"),
    [
        case("fewer", "factorial", (4, 2), [1, 3]),
        case("more", "factorial", (2, 4), [0, 1, 1, 0]),
        case("one", "factorial", (2, 1), [1]),
        case("from one", "factorial", (1, 3), [0, 0, 0]),
        case("a score", "factorial", (4, 2), [0, 2], mode="max"),
        case("fewer copies", "own", (4, 2), [1, 3]),
        case("more copies", "own", (3, 4), [0, 1, 2, 1]),
        # Member 0 has the weights of member 1, so these two have the best weights.
        case("weights of another", "PBT", (4, 2), [0, 1]),
        case(
            "half clans",
            "factorial",
            (2, 4),
            [0, 1, 1, 0],
            genome_config={"3/p": {"type": "model"}},
        ),
    ],
)
def test_members_go_on_from_saved_ones(ranks, tmp_path, recipe, sizes, continues, options, step):
    options = {"duty_cycle": 0.5} | options
    folder = str(tmp_path / "run")
    saved = ranks(sizes[0]).run(save, recipe, options, step, folder)
    went_on = ranks(sizes[1]).run(go_on, recipe, options, folder)
    for old, new in zip(continues, went_on, strict=True):
        assert new["state"] == saved[old]["state"]
        assert new["best"] == saved[old]["best"]
        assert new["step"] == step
    assert all(new["last"] == went_on[0]["last"] for new in went_on)
    require_whole(went_on[0]["rounds"], sizes, step, continues)
    schedule = json.loads(Path(f"{folder}.json").read_text("utf-8"))
    assert len(schedule["rounds"]) == len(went_on[0]["rounds"])


def require_whole(rounds, sizes, step, continues):
    """Assert that the rounds follow one another, and say where the number of members changes."""
    assert [records[0].round for records in rounds] == [*range(len(rounds))]
    before = step // LENGTH
    for number, records in enumerate(rounds):
        assert [record.member for record in records] == [*range(sizes[number >= before])]
        change = continues if number == before else [None] * len(records)
        assert [record.continues for record in records] == change
    ends = [records[0].start + records[0].steps for records in rounds]
    starts = [records[0].start for records in rounds]
    assert starts[0] == 0
    assert starts[before] == step
    assert ends[-1] == STEPS
    starts[before] = before * LENGTH  # the steps of the interrupted round are in no record
    assert starts[1:] == ends[:-1]
