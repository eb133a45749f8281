"""How a run ends: model and optimizer are plain objects again."""

import contextlib
import gc
import multiprocessing

import pytest
import torch
from small_clans import X, clan, loss, model_and_optimizer, take_step, train

from clantune_clan import Clan, ClanError
from clantune_core import AbstractMutationStrategy
from clantune_strategies import Everyone, factorial


def hooks_of(model, optimizer):
    """Return how many hooks are on a model, its parameters and its optimizer."""
    modules = sum(
        len(module._forward_pre_hooks) + len(module._forward_hooks) for module in model.modules()
    )
    parameters = sum(len(p._post_accumulate_grad_hooks or ()) for p in model.parameters())
    steps = len(optimizer._optimizer_step_pre_hooks) + len(optimizer._optimizer_step_post_hooks)
    return modules, parameters, steps


def a_whole_run(model, optimizer, **options):
    given = {"total_steps": 12, "strategies": "factorial", "autobind": ["adamw"]} | options
    it = Clan(model=model, optimizer=optimizer, round_length=4, **given)
    for member in it.rounds():
        train(member)
        it.step(loss)
    return it


def test_plain_steps_after_the_end_train_at_the_rate_of_the_group():
    model, optimizer = model_and_optimizer()
    a_whole_run(model, optimizer)
    before = [p.detach().clone() for p in model.parameters()]
    rate = optimizer.param_groups[0]["lr"]
    for _ in range(20):
        take_step(model, optimizer)
    moved = max((p - b).abs().max().item() for p, b in zip(model.parameters(), before, strict=True))
    assert moved > rate  # a step of AdamW is about as long as the rate
    assert optimizer.param_groups[0]["lr"] == rate


def test_a_member_takes_no_step_after_the_end():
    it = clan()
    member = it.round()
    it.close()
    with pytest.raises(ClanError, match="this run is closed, so its members take no more steps"):
        member.step()


def test_a_run_of_known_length_leaves_no_hook_behind():
    model, optimizer = model_and_optimizer()
    before = hooks_of(model, optimizer)
    a_whole_run(model, optimizer)
    assert hooks_of(model, optimizer) == before


def test_a_second_clan_on_the_same_model_works():
    model, optimizer = model_and_optimizer()
    a_whole_run(model, optimizer)
    second = a_whole_run(model, optimizer)
    assert second.run_state.step == 12


def test_a_second_clan_beside_an_open_one_says_to_close_that():
    model, optimizer = model_and_optimizer()
    first = Clan(model=model, optimizer=optimizer, autobind=["adamw"], round_length=4)
    first.round()
    second = Clan(model=model, optimizer=optimizer, autobind=["adamw"], round_length=4)
    with pytest.raises(ClanError, match=r"another clan.*close that one first: clan\.close\(\)"):
        second.round()
    first.close()
    second.round()


def leave_in_the_middle(model, optimizer, moment):
    """Raise an error inside a with block; return the weights that the model then has of its own."""
    options = {"round_length": 4, "strategies": "factorial", "autobind": ["adamw"]}
    own = []
    with (
        contextlib.suppress(KeyError),
        Clan(model=model, optimizer=optimizer, **options) as it,
    ):
        if moment != "before the first round":
            member = it.round()
        if moment == "at its end":
            train(member)
            own = [tensor.clone() for tensor in member._state.average._aside]
        raise KeyError
    return own


@pytest.mark.parametrize("moment", ["before the first round", "in a round", "at its end"])
def test_a_with_block_closes_the_clan_wherever_it_is_left(moment):
    model, optimizer = model_and_optimizer()
    before = hooks_of(model, optimizer)
    own = leave_in_the_middle(model, optimizer, moment)
    assert hooks_of(model, optimizer) == before
    if own:
        floats = [t for t in (*model.parameters(), *model.buffers()) if t.is_floating_point()]
        assert all(map(torch.equal, floats, own))


def test_a_closed_clan_says_so_and_closing_twice_is_nothing():
    it = clan()
    train(it.round())
    it.close()
    it.close()
    for call in (lambda: it.step(1.0), it.round):
        with pytest.raises(ClanError, match=r"this clan is closed, so .* comes too late"):
            call()


def test_what_a_run_has_found_is_there_after_the_end(tmp_path):
    model, optimizer = model_and_optimizer()
    it = a_whole_run(model, optimizer)
    assert it.finished
    assert len(it.history) == 3
    assert loss(it.best().eval()).item() <= min(r.centre for r in it.history) * 1.0001
    it.export_schedule(tmp_path / "schedule.json")
    assert (tmp_path / "schedule.json").exists()
    assert it.round().done  # the last member, for loops that go on


def test_an_anonymous_history_goes_with_its_clan():
    it = clan(strategies="factorial")
    path = it.history.path
    assert f"History: {path}, deleted with the process; history='run.jsonl' keeps it." in (
        it.describe()
    )
    assert path.exists()
    it.close()
    assert path.exists()  # it is still read after the end of a run
    del it
    gc.collect()
    assert not path.exists()


def test_a_history_that_the_user_names_stays(tmp_path):
    it = clan(history=tmp_path / "run.jsonl", strategies="factorial")
    assert f"History: {tmp_path / 'run.jsonl'}." in it.describe()
    it.close()
    del it
    gc.collect()
    assert (tmp_path / "run.jsonl").exists()


@pytest.mark.parametrize(
    "options", [{"strategies": factorial(calibrate=True)}, {"genome_config": {"lr": {}}}]
)
def test_a_start_that_fails_leaves_nothing_behind(options):
    model, optimizer = model_and_optimizer()
    before = hooks_of(model, optimizer)
    given = {"autobind": ["adamw"], "total_steps": 90, "strategies": [Everyone(), Fails()]}
    it = Clan(model=model, optimizer=optimizer, **(given | options))
    with pytest.raises((ClanError, ArithmeticError)):
        it.round()
    it.close()
    assert hooks_of(model, optimizer) == before
    take_step(model, optimizer)
    a_whole_run(model, optimizer)


class Fails(AbstractMutationStrategy):
    def handle_mutating(self, allele):
        raise ArithmeticError


def test_workers_of_a_loader_end_with_the_run():
    model, optimizer = model_and_optimizer()
    it = Clan(model=model, optimizer=optimizer, autobind=["adamw"], total_steps=4, round_length=4)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X), 8, num_workers=1)
    for member in it.rounds():
        for _ in member.batches(loader):
            take_step(model, optimizer)
        it.step(loss)
    assert multiprocessing.active_children() == []


def test_a_loss_that_comes_too_late_is_told_so():
    model, optimizer = model_and_optimizer()
    it = a_whole_run(model, optimizer)
    with pytest.raises(ClanError) as raised:
        it.step(1.0)
    assert str(raised.value) == "the run of 12 steps is over: it takes no more losses"
    assert it.round().learning_rate == optimizer.param_groups[0]["lr"]


def test_a_clan_that_is_refused_makes_no_history(tmp_path):
    path = tmp_path / "run.jsonl"
    model, optimizer = model_and_optimizer()
    with pytest.raises(ClanError, match="a clan needs both"):
        Clan(model=model, history=path)
    Clan(model=model, optimizer=optimizer, history=path)
