"""A run of several ranks that is saved, and goes on in other processes as if never stopped."""

import threading
from unittest import mock

import pytest
import torch
from going_on import (
    Script,
    assert_goes_on,
    folder_of,
    growing_scaler,
    outcome,
    train_on,
    two_optimizers,
)
from torch import nn

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
STEPS, LENGTH = 36, 6
ALL = {"has_all": True}
"""A scaler, two optimizers, and a scheduler for each."""


class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(DATA)


def make(recipe, *, stream=False, num_workers=0, has_all=False, **options):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 1)
    )
    given = {"total_steps": STEPS, "round_length": LENGTH, "timeout": 20.0}
    if has_all:
        optimizer, schedulers = two_optimizers(model[:-1].parameters(), model[-1].parameters())
        given |= {"scheduler": schedulers, "scaler": growing_scaler()}
        given |= {"autobind": {"0": ["adamw"], "1": ["sgd"]}}
    else:
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
        given |= {"autobind": ["adamw"]}
    clan = Clan(model=model, optimizer=optimizer, strategies=RECIPES[recipe](), **given | options)
    data = Stream() if stream else DATA
    loader = clan.loader(data, 4, num_workers=num_workers, drop_last=True)
    return clan, loader


def judge(model):
    return (model(X[:64]) - Y[:64]).square().mean()


SCRIPT = Script(make, train_on, judge)


def script(method, *arguments):
    return getattr(SCRIPT, method)(*arguments)


def saved_in_the_background(recipe, options, folder):
    """Train to the end. No file is written before two steps of the next round."""
    saved = Checkpoints(folder, keep=99, background=True)
    clan, loader = SCRIPT.begin(recipe, {**options, "checkpoints": saved})
    has_moved = threading.Event()

    def every_step(step):
        if clan.run_state.round and step == clan.run_state.step + 2:
            has_moved.set()

    def write(*arguments, usual=Part.write):
        assert has_moved.wait(60)
        has_moved.clear()
        return usual(*arguments)

    mock.patch.object(Part, "write", write).start()
    SCRIPT.train(clan, loader, every_step=every_step)
    assert not has_moved.is_set()
    return outcome(clan)


@pytest.mark.parametrize(
    ("recipe", "options", "size"),
    [
        pytest.param("factorial", {"reduction": "exact"}, 4, id="exact"),
        # Only two ranks compute the same bits again: a new wrapper adds up in another order.
        pytest.param("factorial", {"reduction": "ddp"}, 2, id="ddp"),
        pytest.param("as specified", {"duty_cycle": 0.5}, 4, id="competing"),
        pytest.param("as specified", {**ALL, "duty_cycle": 0.5}, 3, id="a scaler, two optimizers"),
        pytest.param("factorial", {**ALL, "population_size": 2}, 4, id="all, of two ranks"),
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
    assert_goes_on(ranks(size), script, recipe, options, [5, 12, 21], LENGTH, tmp_path)


@pytest.mark.parametrize(
    ("recipe", "options", "size"),
    [
        pytest.param("factorial", {"reduction": "exact"}, 4, id="exact"),
        pytest.param("as specified", {"duty_cycle": 0.5}, 2, id="competing"),
        pytest.param("calibrated", {"total_steps": 60}, 3, id="calibrated"),
        pytest.param("factorial", {"num_workers": 1}, 2, id="a worker in the loader"),
    ],
)
def test_a_checkpoint_of_the_background_is_as_one_of_the_foreground(
    ranks, tmp_path, recipe, options, size
):
    wanted = ranks(size).run(script, "never_stopped", recipe, options)
    folder = tmp_path / "run"
    assert ranks(size).run(saved_in_the_background, recipe, options, str(folder)) == wanted
    best, *saved = sorted(folder.iterdir())
    assert best.name == "best.safetensors"
    assert len(saved) == len({record["round"] for record in wanted[0][2]}) - 1
    for each in saved[::4]:
        assert ranks(size).run(script, "resumed", recipe, options, str(each)) == wanted, each


@pytest.mark.parametrize("count", [2, 4])
def test_a_scaler_and_two_optimizers_go_on_with_fewer_or_more_members(ranks, tmp_path, count):
    """All members go on with one scale, and with the weights of a member that was saved."""
    ranks(3).run(script, "stopped", "as specified", ALL, [27], str(tmp_path))
    folder = folder_of(tmp_path, 27, LENGTH)
    begun = ranks(count).run(begun_elsewhere, folder)
    tensors, scales = zip(*begun, strict=True)
    saved = ranks(3).run(begun_elsewhere, folder)
    assert all(each in [tensors for tensors, _ in saved] for each in tensors)
    assert len({*map(str, tensors)}) == min(3, count)
    assert len({*map(str, [*scales, *(scale for _, scale in saved)])}) == 1
    _, _, records, _ = ranks(count).run(script, "resumed", "as specified", ALL, folder)[0]
    assert len(records) == 4 * 3 + 2 * count


def begun_elsewhere(folder):
    """Return what a member goes on with, and the scale of the loss."""
    clan, _ = make("as specified", **ALL)
    clan.resume(folder)
    clan.round()
    tensors, _, _, scale = outcome(clan)
    return tensors, scale
