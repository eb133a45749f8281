"""Optimizers that a clan does not have, beside those that it has."""

import gc

import pytest
import torch
from small_clans import clan, loss, model_and_optimizer, take_step
from torch.optim import SGD, Optimizer
from torch.optim.optimizer import _global_optimizer_post_hooks

from clantune_clan import Clan, GradientError


class Around(Optimizer):
    """An optimizer that leaves its work to another one."""

    def __init__(self, inner):
        super().__init__([p for group in inner.param_groups for p in group["params"]], {"lr": 0.01})
        self.inner = inner

    def step(self, closure=None):
        self.inner.step()


def clan_with(model, optimizer):
    genes = {"lr": {"type": "optimizer"}}
    return Clan(model=model, optimizer=optimizer, genome_config=genes, round_length=4)


def weights_of(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_another_optimizer_of_the_same_parameters_is_an_error_in_its_first_step():
    it = clan()
    member = it.round()
    other = SGD(member.model[3].parameters(), lr=0.1)
    loss(member.model).backward()
    with pytest.raises(GradientError, match="the SGD that has made this step has parameters of"):
        other.step()
    it.close()


def test_an_optimizer_of_other_parameters_goes_on():
    it = clan()
    it.round()
    model, optimizer = model_and_optimizer()
    before = weights_of(model)
    take_step(model, optimizer)
    assert not torch.equal(weights_of(model), before)
    it.close()


@pytest.mark.parametrize("the_clan_has", ["outer", "inner"])
def test_an_optimizer_may_use_another_one_in_its_own_step(the_clan_has):
    model, inner = model_and_optimizer(SGD)
    outer = Around(inner)
    it = clan_with(model, outer if the_clan_has == "outer" else inner)
    member = it.round()
    while not member.done:
        before = weights_of(model)
        take_step(model, outer)
        assert not torch.equal(weights_of(model), before)
        member.step()
    it.step(loss)
    assert len(it.history) == 1
    it.close()


def test_another_optimizer_is_found_after_a_step_that_an_exception_has_interrupted():
    model, optimizer = model_and_optimizer(SGD)
    it = clan_with(model, optimizer)
    member = it.round()
    with pytest.raises(ZeroDivisionError):
        optimizer.step(lambda: 1 / 0)
    take_step(model, optimizer)
    member.step()
    with pytest.raises(ZeroDivisionError):
        optimizer.step(lambda: 1 / 0)
    other = SGD(model.parameters(), lr=0.1)
    other.step()  # as far as one can see, inside the step that was interrupted
    member.step()
    with pytest.raises(GradientError, match="the SGD that has made this step"):
        other.step()
    it.close()


@pytest.mark.parametrize("leave", [Clan.close, lambda _: None])
def test_a_clan_that_is_closed_or_gone_watches_no_more(leave):
    it = clan()
    model = it.round().model
    leave(it)
    del it
    gc.collect()
    before = weights_of(model)
    take_step(model, SGD(model.parameters(), lr=0.1))  # no error
    assert not torch.equal(weights_of(model), before)


def test_a_clan_may_be_collected_during_a_step_of_another_optimizer():
    clans = [clan(), clan()]
    for it in clans:
        it.round()
    watched = len(_global_optimizer_post_hooks)
    model, optimizer = model_and_optimizer()

    def collect(*_):
        clans.clear()
        gc.collect()

    optimizer.register_step_post_hook(collect)  # torch goes through this one and the clans' next
    before = weights_of(model)
    take_step(model, optimizer)
    assert not torch.equal(weights_of(model), before)
    assert len(_global_optimizer_post_hooks) == watched  # no clan adds any
