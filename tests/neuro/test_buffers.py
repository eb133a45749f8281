"""Running statistics in evaluation: used as they are, or replaced by those of each batch."""

import pytest
import torch
from torch import nn
from torch.func import functional_call

from clantune_neuro import Blueprint, EvaluationError, Gene, Lineage, Nursery
from clantune_neuro.evaluation.batched import batched
from clantune_neuro.evaluation.genes import child_of
from clantune_neuro.evaluation.loop import loop, prepared, with_weights
from clantune_neuro.evaluation.shared_parent import shared_parent
from clantune_neuro.tasks import Memorise, TaskContext

CONTEXT = TaskContext()
FLAT = Memorise(points=32, inputs=(6,), classes=5, loss="cross_entropy")
PICTURES = Memorise(points=32, inputs=(2, 4, 4), classes=5, loss="cross_entropy")


def flat():
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 5))


def pictures():
    norm = nn.BatchNorm2d(3, affine=False)
    return nn.Sequential(nn.Conv2d(2, 3, 3), norm, nn.Flatten(), nn.Linear(12, 5))


def instances():
    norm = nn.InstanceNorm2d(3, track_running_stats=True)
    return nn.Sequential(nn.Conv2d(2, 3, 3), norm, nn.Flatten(), nn.Linear(12, 5))


CASES = [(flat, FLAT), (pictures, PICTURES), (instances, PICTURES)]


def trained(build):
    """Return a module whose running statistics are not those of the first batch."""
    torch.manual_seed(0)
    module = build()
    for name, buffer in module.named_buffers():
        if name.endswith(("mean", "var")):
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    return module


def children(blueprint):
    parent = Lineage.born(1)
    number = blueprint.number_of("rank-1")
    return parent, [parent.append(Gene(number, strength=-100, seed=seed)) for seed in range(3)]


@pytest.mark.parametrize("rule", ["keep", "batch"])
@pytest.mark.parametrize(("build", "task"), CASES)
def test_the_rule_says_which_statistics_a_network_uses(build, task, rule):
    module = trained(build)
    weights = Nursery(Blueprint.of(module, buffers=rule)).weights(Lineage.born(1))
    x = task.points(CONTEXT).x
    expected = functional_call(module.train(rule == "batch"), weights, (x,))
    found = with_weights(prepared(trained(build), rule), weights)(x)
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("rule", ["keep", "batch"])
@pytest.mark.parametrize(("build", "task"), CASES)
def test_all_forms_give_the_scores_of_the_loop_and_change_no_buffer(build, task, rule):
    module = prepared(trained(build), rule)
    blueprint = Blueprint.of(trained(build), buffers=rule)
    before = {name: buffer.clone() for name, buffer in module.named_buffers()}
    assert len(before) == (3 if rule == "keep" else 0)
    nursery = Nursery(blueprint)
    parent, lineages = children(blueprint)
    members = [nursery.weights(lineage) for lineage in lineages]
    expected = [score.base for score in loop(module, members, task, CONTEXT)]
    changes = [child_of(nursery, parent, lineage) for lineage in lineages]
    together = batched(module, members, task, CONTEXT)
    shared = shared_parent(module, nursery.weights(parent), changes, task, CONTEXT)
    assert [score.base for score in together] == pytest.approx(expected, abs=1e-5)
    assert [score.base for score in shared] == pytest.approx(expected, abs=1e-5)
    assert expected == [score.base for score in loop(module, members, task, CONTEXT)]
    for name, buffer in module.named_buffers():
        assert torch.equal(buffer, before[name])


def test_the_module_that_is_prepared_keeps_its_statistics():
    module = trained(flat)
    prepared(module, "batch")
    assert module[1].running_mean is not None
    assert module[1].track_running_stats


class Counts(nn.Module):
    """Counts its calls in a buffer, also in evaluation."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(5, 6))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return x @ self.weight.T * self.calls


def test_a_buffer_that_counts_begins_anew_with_each_member():
    module = prepared(Counts())
    members = [{"weight": torch.full((5, 6), 0.5)}] * 2
    one, other = loop(module, members, FLAT, CONTEXT)
    assert one == other
    assert batched(module, members, FLAT, CONTEXT)[0].base == pytest.approx(one.base)
    assert module.calls == 0


class Own(nn.Module):
    """Keeps a running mean of its own."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(5, 6))
        self.register_buffer("running_mean", torch.zeros(5))


def test_a_layer_with_statistics_of_its_own_is_refused():
    module = nn.Sequential(Own())
    assert (
        prepared(module, Blueprint.of(module, buffers="keep").buffers)[0].running_mean is not None
    )
    with pytest.raises(EvaluationError) as error:
        prepared(module, Blueprint.of(module, buffers="batch").buffers)
    assert str(error.value) == (
        "Own '0' keeps running statistics in a way of its own; buffers=\"batch\" is for the "
        'BatchNorm and InstanceNorm layers of torch; pass buffers="keep" to Blueprint.of'
    )
