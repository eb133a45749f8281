"""How members are judged: in eval mode, without gradients, by numbers."""

import math

import pytest
import torch
from small_clans import X, clan, loss, train

from clantune_clan import ClanError


def test_a_judge_sees_the_model_in_eval_mode_and_leaves_no_trace():
    it = clan(strategies="factorial")
    member = it.round()
    train(member)
    member.model[2].eval()
    seen = []

    def judge(model):
        seen.append((model.training, torch.is_grad_enabled()))
        return model(100.0 * X).square().mean()  # in training mode this would move BatchNorm

    it.step(judge)
    assert seen == [(False, False)] * 3
    statistics = it.round().model[1].running_mean
    assert float(statistics.abs().max()) < 1.0
    assert [module.training for module in member.model] == [True, True, False, True]
    assert member.model.training


@pytest.mark.parametrize("result", ["0.5", b"0.5", True, None, [0.5, 0.4], torch.ones(2), {}])
def test_what_is_no_number_is_refused(result):
    it = clan()
    train(it.round())
    with pytest.raises(ClanError) as raised:
        it.step(result)
    assert str(raised.value) == (
        "a round ends with a loss, one number, or with a function that takes the model and "
        f"returns it; got {result!r}"
    )
    it.step(0.5)  # nothing is lost


@pytest.mark.parametrize("result", [0.5, 1, torch.tensor(0.5), torch.tensor([0.5])])
def test_numbers_of_all_kinds_are_taken(result):
    it = clan()
    train(it.round())
    it.step(result)
    assert [record.metric for record in it.history] == [float(result)]


def test_a_loss_that_is_lost_is_in_the_record():
    it = clan()
    train(it.round())
    it.step(loss)
    train(it.round())
    it.step(math.nan)
    assert [record.metric for record in it.history][1] == math.inf
