"""Optimizers that a clan does not have, beside those that it has."""

import gc

import pytest
from small_clans import clan, loss, model_and_optimizer, take_step, train
from torch.optim import SGD, Optimizer
from torch.optim.optimizer import _global_optimizer_post_hooks

from clantune_clan import Clan, GradientError


class Around(Optimizer):
    """An optimizer that leaves its work to another one."""

    def __init__(self, parameters):
        super().__init__(parameters, {"lr": 0.01})
        self.inner = SGD([p for group in self.param_groups for p in group["params"]], lr=0.01)

    def step(self, closure=None):
        self.inner.step()


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
    take_step(model, optimizer)
    it.close()


def test_an_optimizer_may_use_another_one_in_its_own_step():
    model, _ = model_and_optimizer()
    optimizer = Around(model.parameters())
    genes = {"lr": {"type": "optimizer"}}
    it = Clan(model=model, optimizer=optimizer, genome_config=genes, round_length=4)
    member = it.round()
    train(member)
    it.step(loss)
    it.close()


@pytest.mark.parametrize("leave", [Clan.close, lambda it: None])
def test_a_clan_that_is_closed_or_gone_watches_no_more(leave):
    gc.collect()
    before = len(_global_optimizer_post_hooks)
    it = clan()
    model = it.round().model
    assert len(_global_optimizer_post_hooks) == before + 1
    leave(it)
    del it
    gc.collect()
    assert len(_global_optimizer_post_hooks) == before
    take_step(model, SGD(model.parameters(), lr=0.1))
