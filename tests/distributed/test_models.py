"""Models that a clan refuses, by name, and batches that are normalised within a member."""

import copy

import pytest
import torch
import torch.distributed as dist
from by_hand import TIMEOUT, member
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel

from clantune_clan import Clan, Communication


class Scaled(torch.Tensor):
    """A subclass, as libraries for quantisation have them."""


def refused(what):
    if what == "subclass":
        model = nn.Linear(2, 2)
        model.weight = nn.Parameter(torch.ones(2, 2).as_subclass(Scaled))
    elif what == "buffer":
        model = nn.BatchNorm1d(2)
        model.running_mean = model.running_mean.as_subclass(Scaled)
    elif what == "lazy":
        model = nn.Sequential(nn.Linear(2, 2), nn.LazyLinear(2))
    elif what == "complex":
        model = nn.Linear(2, 2, dtype=torch.complex64)
    elif what == "statistics":
        model = nn.Sequential(nn.Linear(2, 2), nn.SyncBatchNorm(2))
    else:
        model = nn.Sequential(
            FullyShardedDataParallel(nn.Linear(2, 2), device_id=torch.device("cpu"))
        )
    member(model)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (
            "subclass",
            (
                "the parameter 'weight' is a Scaled, and children cannot inherit a subclass of "
                "Tensor: use plain tensors"
            ),
        ),
        (
            "buffer",
            (
                "the buffer 'running_mean' is a Scaled, and children cannot inherit a subclass of "
                "Tensor: use plain tensors"
            ),
        ),
        ("lazy", "the parameter '1.weight' is lazy: run a forward pass before"),
        (
            "FSDP1",
            (
                "the model is wrapped in FullyShardedDataParallel (FSDP1), whose flat parameters a "
                "clan cannot inherit: use fully_shard of torch.distributed.fsdp instead, as in "
                "fully_shard(model, mesh=clan.member_mesh())"
            ),
        ),
        (
            "complex",
            (
                "the parameter 'weight' is of torch.complex64, whose gradients cannot be averaged; "
                "give parameters real floating-point types"
            ),
        ),
        (
            "statistics",
            (
                "the module '1' is a SyncBatchNorm, which would mix the statistics of members: use "
                "BatchNorm, or members of several ranks, and leave process_group out"
            ),
        ),
    ],
)
def test_a_model_that_no_member_can_have_is_refused_by_name(ranks, what, message):
    assert [raised.message for raised in ranks(2).fail(refused, what)] == [message] * 2


def normalised_within_members():
    model = nn.Sequential(nn.Linear(2, 2), nn.SyncBatchNorm(2))
    channel = Communication(ranks_per_member=2, timeout=TIMEOUT)
    individual = member(model, channel=channel)
    among = dist.get_process_group_ranks(model[1].process_group)
    individual._state.close()
    return among, model[1].process_group


def test_batches_are_normalised_within_a_member_until_the_clan_is_closed(ranks):
    among = [[0, 1], [0, 1], [2, 3], [2, 3]]
    assert ranks(4).run(normalised_within_members) == [(own, None) for own in among]


def copied_with_its_group():
    model = nn.Sequential(nn.Linear(2, 2), nn.SyncBatchNorm(2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    options = {"round_length": 1, "population_size": 2, "timeout": TIMEOUT}
    with Clan(model=model, optimizer=optimizer, **options) as clan:
        individual = clan.round()
        model.eval()(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        individual.step()
        clan.step(1.0)
        best = clan.best()
        with pytest.raises(TypeError, match="cannot pickle"):
            copy.deepcopy(model)
        return best[1].process_group is model[1].process_group


def test_the_best_model_may_have_a_process_group(ranks):
    assert ranks(4).run(copied_with_its_group) == [True] * 4
