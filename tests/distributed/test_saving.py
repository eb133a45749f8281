"""Automatic saving on several ranks: who writes, how it ends, and what is left behind."""

import resource
import threading
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch import nn

from clantune_clan import Checkpoints, Clan, ClanError
from clantune_strategies import as_specified, factorial

X = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))


def make(folder, *, every=1, background=True, **options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    given = {"autobind": ["adamw"], "round_length": 4, "timeout": 20.0} | options
    saved = Checkpoints(folder, every=every, background=background)
    return Clan(model=model, optimizer=optimizer, checkpoints=saved, **given)


def play(clan, loss):
    """Train a round, which ends with this loss."""
    member = clan.round()
    while not member.done:
        (member.model(X) - X[:, :1]).square().mean().backward()
        member.optimizer.step()
        member.optimizer.zero_grad()
        member.step()
    clan.step(loss)


def threads():
    return [each.name for each in threading.enumerate() if "checkpoint" in each.name]


def names(folder):
    return sorted(each.name for each in folder.iterdir())


# ---- The best weights ----


def best_of_members(folder, background, options):
    clan = make(folder, background=background, strategies=as_specified(), duty_cycle=0.5, **options)
    last = clan.communicator.num_members - 1
    with clan:
        for round_ in range(3):
            is_best = clan.communicator.member_index == last and round_ < 2
            play(clan, 2.0 - round_ if is_best else 5.0)
        best = clan.best().state_dict()
        assert clan.run_state.best.holder == last
    found = load_file(f"{folder}/best.safetensors")
    torch.testing.assert_close(found, dict(best), rtol=0, atol=0)
    return clan.run_state.best.tensors is not None


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize(
    ("options", "holders"),
    [({}, [False, True]), ({"population_size": 2}, [False, False, True, True])],
    ids=["members of one rank", "members of two ranks"],
)
def test_the_member_that_has_the_best_weights_writes_them(
    ranks, tmp_path, background, options, holders
):
    assert ranks(len(holders)).run(best_of_members, str(tmp_path), background, options) == holders


def calibrating(folder):
    with make(folder, total_steps=400, strategies=factorial(calibrate=True)) as clan:
        play(clan, 1.0)
        assert not clan.run_state.best.exists


def test_without_best_weights_there_is_no_file(ranks, tmp_path):
    ranks(2).run(calibrating, str(tmp_path))
    assert names(tmp_path) == ["step-000000006-round-00001"]


# ---- The end ----


def broken_off(folder, every):
    with make(folder, every=every) as clan:
        for _ in range(3):
            play(clan, 1.0)
    assert not threads()


@pytest.mark.parametrize(("every", "steps"), [(1, (4, 8, 12)), (2, (8,)), (3, (12,))])
def test_closing_completes_what_the_background_writes(ranks, tmp_path, every, steps):
    ranks(2).run(broken_off, str(tmp_path), every)
    assert names(tmp_path) == [
        "best.safetensors",
        *(f"step-{s:09d}-round-{s // 4:05d}" for s in steps),
    ]


def fails(folder, failing):
    with make(folder, timeout=4.0) as clan:
        for _ in range(2):
            play(clan, 1.0)
        if dist.get_rank() in failing:
            raise LookupError("in the loop of the user")
        play(clan, 1.0)


def seen_after_failing(folder, failing):
    try:
        fails(folder, failing)
    except (LookupError, ClanError) as error:
        return type(error).__name__, threads()


@pytest.mark.parametrize("failing", [(0,), (1,), (0, 1)])
def test_after_an_error_nothing_stays_behind(ranks, tmp_path, failing):
    answers = ranks(2).run(seen_after_failing, str(tmp_path), failing)
    for rank, (kind, left) in enumerate(answers):
        assert kind == "LookupError" or rank not in failing
        assert left == []
    assert names(tmp_path) == ["best.safetensors", "step-000000004-round-00001"]


# ---- A write that fails ----


def full_disk(folder, background):
    """Let rank 1 write no files of more than a few bytes while the second checkpoint is saved."""
    clan = make(folder, background=background)
    play(clan, 3.0)
    clan._saving.complete()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if dist.get_rank() == 1:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        play(clan, 3.0)
        play(clan, 3.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert not threads()
        clan.close()


@pytest.mark.parametrize("background", [False, True])
def test_a_write_that_fails_on_one_rank_is_an_error_of_all(ranks, tmp_path, background):
    raised = ranks(2).fail(full_disk, str(tmp_path), background)
    for rank, each in enumerate(raised):
        assert each.kind == "CheckpointError"
        assert each.message.startswith("rank 1: " * (rank != 1))
        assert f"{tmp_path}/.unfinished-" in each.message
        assert "/rank-1.json cannot be written: [Errno 27] File too large" in each.message
    assert names(tmp_path) == ["best.safetensors", "step-000000004-round-00001"]


# ---- A save of the user ----


def saves_by_hand(folder):
    with make(folder) as clan:
        play(clan, 1.0)
        clan.round()
        return str(clan.save(Path(folder) / "by hand"))


def test_a_save_of_the_user_comes_after_that_of_the_background(ranks, tmp_path):
    folder = tmp_path / "by hand" / "step-000000004-round-00001"
    assert ranks(2).run(saves_by_hand, str(tmp_path)) == [str(folder)] * 2
    assert names(tmp_path) == ["best.safetensors", "by hand", "step-000000004-round-00001"]
