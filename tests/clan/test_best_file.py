"""The best weights of a run in a file, as plain PyTorch loads them."""

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, load_model
from small_clans import Y, clan, model_and_optimizer, train
from torch import nn

from clantune_clan import Checkpoints
from clantune_clan.errors import CheckpointError


class Tied(nn.Module):
    """A model with tied weights, a buffer of each kind, and weights that are not contiguous."""

    def __init__(self):
        super().__init__()
        self.one = nn.Linear(2, 2)
        self.other = nn.Linear(2, 2)
        self.other.weight = self.one.weight
        self.norm = nn.BatchNorm1d(2)
        self.out = nn.Linear(2, 1)
        self.out.weight = nn.Parameter(torch.randn(2, 1).t())
        self.register_buffer("scale", torch.ones(()), persistent=False)

    def forward(self, x):
        return self.out(self.norm(self.other(self.one(x)))) * self.scale


def tied():
    torch.manual_seed(0)
    model = Tied()
    return {"model": model, "optimizer": torch.optim.AdamW(model.parameters(), lr=0.01)}


def rounds(it, losses):
    """Train, with these losses at the ends of the rounds."""
    for loss in losses:
        train(it.round())
        it.step(loss)


def expected(it):
    return it.best().state_dict()


def test_the_best_weights_load_in_plain_pytorch(tmp_path):
    it = clan(checkpoints=tmp_path)
    rounds(it, [2.0, 1.0, 3.0])
    model, _ = model_and_optimizer()
    model.load_state_dict(load_file(tmp_path / "best.safetensors"))
    torch.testing.assert_close(model.state_dict(), expected(it), rtol=0, atol=0)
    assert it.run_state.best.round == 1
    with safe_open(tmp_path / "best.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}


def test_tied_weights_are_there_once_and_buffers_as_in_a_state_dict(tmp_path):
    it = clan(**tied(), checkpoints=tmp_path)
    rounds(it, [1.0])
    path = tmp_path / "best.safetensors"
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"format": "pt", "other.weight": "one.weight"}
    wanted = expected(it)
    torch.testing.assert_close(
        load_file(path), {k: v for k, v in wanted.items() if k != "other.weight"}, rtol=0, atol=0
    )
    assert {"norm.running_mean", "norm.num_batches_tracked"} < wanted.keys()
    assert "scale" not in wanted
    other = tied()["model"]
    load_model(other, path)
    torch.testing.assert_close(other.state_dict(), wanted, rtol=0, atol=0)
    assert other.one.weight is other.other.weight


@pytest.mark.parametrize("background", [False, True])
def test_the_file_is_written_with_checkpoints_and_only_if_the_best_has_changed(
    tmp_path, background
):
    it = clan(checkpoints=Checkpoints(tmp_path, every=2, background=background))
    path, seen = tmp_path / "best.safetensors", []
    for loss in (5.0, 4.0, 3.0, 6.0, 7.0, 8.0):
        rounds(it, [loss])
        it._saving.complete()
        seen.append(path.stat().st_ino if path.exists() else None)
    assert seen[0] is None
    assert seen[1] == seen[2] != seen[3]
    assert seen[3] == seen[4] == seen[5]
    torch.testing.assert_close(load_file(path), dict(expected(it)), rtol=0, atol=0)


@pytest.mark.parametrize("options", [{}, {"total_steps": 12}])
def test_the_end_writes_the_best_weights_that_no_checkpoint_has(tmp_path, options):
    it = clan(checkpoints=Checkpoints(tmp_path, every=9), **options)
    rounds(it, [5.0, 4.0, 3.0])
    if not options:
        assert [*tmp_path.iterdir()] == []
        wanted = expected(it)
        it.close()
    else:
        wanted = expected(it)
    assert [each.name for each in tmp_path.iterdir()] == ["best.safetensors"]
    torch.testing.assert_close(load_file(tmp_path / "best.safetensors"), dict(wanted))


def test_after_a_resume_the_file_follows_the_run_that_goes_on(tmp_path):
    it = clan(checkpoints=Checkpoints(tmp_path, keep=9))
    rounds(it, [5.0, 4.0, 3.0])
    later = load_file(tmp_path / "best.safetensors")
    other = clan(checkpoints=Checkpoints(tmp_path, keep=9))
    other.resume(tmp_path / "step-000000004-round-00001")
    torch.testing.assert_close(load_file(tmp_path / "best.safetensors"), later)
    other._saving.settings = Checkpoints(tmp_path / "other")
    rounds(other, [6.0])
    torch.testing.assert_close(
        load_file(tmp_path / "other" / "best.safetensors"), dict(expected(other))
    )
    assert other.run_state.best.round == 0


def test_no_file_is_written_where_none_is_wanted(tmp_path):
    it = clan(checkpoints=Checkpoints(tmp_path / "one", keep_best=False))
    rounds(it, [1.0])
    it.close()
    assert [each.name for each in (tmp_path / "one").iterdir()] == ["step-000000004-round-00001"]


def test_a_file_that_cannot_be_written_is_named_and_no_checkpoint_follows(tmp_path):
    it = clan(checkpoints=tmp_path)
    (tmp_path / "best.safetensors").mkdir()
    with pytest.raises(CheckpointError, match=r"best\.safetensors cannot be written"):
        rounds(it, [1.0])
    assert [each.name for each in tmp_path.iterdir()] == ["best.safetensors"]


def test_weights_load_and_give_the_same_loss(tmp_path):
    it = clan(checkpoints=tmp_path)
    losses = []

    def judge(model):
        losses.append((model(torch.ones(3, 2)) - Y[:3]).square().mean().item())
        return losses[-1]

    train(it.round())
    it.step(judge)
    model, _ = model_and_optimizer()
    model.load_state_dict(load_file(tmp_path / "best.safetensors"))
    with torch.no_grad():
        again = (model.eval()(torch.ones(3, 2)) - Y[:3]).square().mean().item()
    assert again in losses
