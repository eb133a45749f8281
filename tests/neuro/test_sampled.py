"""Answers that are drawn, and points that any network can learn."""

import pytest
import torch
from torch import nn

from clantune_neuro.errors import TaskError
from clantune_neuro.evaluation.batched import batched
from clantune_neuro.evaluation.loop import loop
from clantune_neuro.tasks import Memorise, Sampled, TaskContext, digits, sanity
from clantune_neuro.tasks.labelled import Labelled
from clantune_neuro.tasks.score import Score

POINTS = Memorise(points=512, inputs=(6,), classes=4, loss="wrong")


def certain(scale):
    """Return a network that gives the right label of each point a logit of `scale`."""
    right = nn.functional.one_hot(POINTS.points(TaskContext()).y, 4).float()
    return lambda x: scale * right


@pytest.mark.parametrize(("scale", "wrong"), [(0.0, 24.0), (1.0, 16.8), (3.0, 4.16), (100.0, 0.0)])
def test_a_drawn_answer_is_right_with_the_probability_of_the_softmax(scale, wrong):
    scores = [Sampled(POINTS)(certain(scale), TaskContext(generation)) for generation in range(8)]
    assert -sum(score.base for score in scores) / 8 == pytest.approx(wrong, abs=0.6)


def test_draws_derive_from_the_seed_and_the_generation():
    network = certain(1.0)
    scores = [Sampled(POINTS)(network, TaskContext(generation)) for generation in range(5)]
    assert scores == [Sampled(POINTS)(network, TaskContext(generation)) for generation in range(5)]
    assert len({score.base for score in scores}) > 1
    assert Sampled(POINTS, seed=1)(network) != scores[0]
    assert (Sampled(POINTS).noisy, Sampled(POINTS).perfect) == (True, None)


def test_members_meet_the_same_draws_in_every_form():
    module = nn.Linear(6, 4)
    torch.manual_seed(0)
    members = [{"weight": torch.randn(4, 6), "bias": torch.randn(4)} for _ in range(5)]
    members.append(members[0])
    scores = loop(module, members, Sampled(POINTS), TaskContext(3))
    assert scores[5] == scores[0] != scores[1]
    assert batched(module, members, Sampled(POINTS), TaskContext(3), chunk=4) == scores


def test_a_network_whose_logits_are_nan_is_dead_when_it_draws():
    assert Sampled(POINTS)(lambda x: torch.full((512, 4), torch.nan)).dead


def test_minibatches_are_those_of_the_task():
    task = Sampled(Labelled(digits(), "accuracy", batch=50))
    seen = []
    task(lambda x: seen.append(x) or torch.zeros(50, 10), TaskContext(2))
    assert torch.equal(seen[0], task.task.points(TaskContext(2)).x)


def test_a_loss_that_reads_logits_is_refused():
    with pytest.raises(TaskError) as error:
        Sampled(Labelled(sanity()))
    assert str(error.value) == (
        "Sampled: the loss 'cross_entropy' reads the logits and not the answers; take 'accuracy', "
        "'wrong' or 'till_death'"
    )


def test_points_of_another_task_are_refused():
    with pytest.raises(TaskError) as error:
        Sampled(POINTS).judge(None, POINTS.points(TaskContext()))
    assert str(error.value) == "Sampled.judge takes what Sampled.points returns"


def test_each_value_of_a_point_of_sanity_is_its_label():
    data = sanity(7, inputs=(2, 3), classes=3)
    assert data.train.y.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert data.train.x.shape == (7, 2, 3)
    assert torch.equal(data.train.x, data.train.y[:, None, None].expand(7, 2, 3).float())
    task = Labelled(data, "accuracy")
    right = task(lambda x: -((x[:, 0, :1] - torch.arange(3)) ** 2))
    assert right == Score(task.perfect)


def test_sanity_without_points_is_refused():
    with pytest.raises(TaskError) as error:
        sanity(0)
    assert str(error.value) == "sanity: 0 points of 10 classes; both must be at least 1"
