"""To the last bit: equal members stay equal, a seed gives one run, and a saved round goes on."""

import hashlib
import io

import pytest
import torch
import torch.distributed as dist
from by_hand import in_small_buckets
from torch import nn

from clantune_clan import Communication, GenomeExpression, Individual, build_state
from clantune_core import Genome, LogFloatAllele

REDUCTIONS = ("exact", "ddp")


def member(reduction, round_length, duty_cycle):
    torch.manual_seed(5)
    model = nn.Sequential(
        nn.Linear(8, 32), nn.BatchNorm1d(32), nn.Tanh(), nn.Linear(32, 32), nn.Linear(32, 4)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    genome = GenomeExpression.set_allele(
        Genome(), "lr", LogFloatAllele(0.003), path="optimizer/param_groups/0/lr"
    )
    channel = Communication(timeout=30.0)
    if reduction == "ddp":
        model = in_small_buckets(model)
    state = build_state(genome, model, optimizer, channel, reduction=reduction)
    return Individual(state, channel, round_length, duty_cycle)


def train(individual, steps, rank):
    for _ in range(steps):
        generator = torch.Generator().manual_seed(100 * individual.steps_done + rank)
        x = torch.randn(6, 8, generator=generator)
        y = torch.randint(0, 4, (6,), generator=generator)
        nn.functional.cross_entropy(individual.model(x), y).backward()
        individual.optimizer.step()
        individual.optimizer.zero_grad()
        individual.step()


def fingerprint(tensors):
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.detach().numpy().tobytes())
    return digest.hexdigest()


def weights_after(reduction, steps):
    individual = member(reduction, steps, 0.0)
    train(individual, steps, dist.get_rank())
    return fingerprint(individual.model.parameters())


@pytest.mark.parametrize(("count", "steps"), [(2, 100), (3, 100), (4, 1000)])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_equal_members_stay_equal_up_to_a_thousand_steps(ranks, count, steps, reduction):
    assert len(set(ranks(count).run(weights_after, reduction, steps))) == 1


def a_round_of_both_phases(reduction):
    individual = member(reduction, 30, 0.5)
    train(individual, 30, dist.get_rank())
    return fingerprint(individual.model.state_dict().values())


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_new_processes_give_the_same_bits(ranks, other_ranks, reduction):
    first = ranks(4).run(a_round_of_both_phases, reduction)
    assert other_ranks(4).run(a_round_of_both_phases, reduction) == first
    assert len(set(first)) == 4  # they have competed


def saved_and_gone_on(reduction, at):
    rank = dist.get_rank()
    individual = member(reduction, 30, 0.5)
    train(individual, at, rank)
    buffer = io.BytesIO()
    torch.save(individual.state_dict(), buffer)
    buffer.seek(0)
    train(individual, 30 - at, rank)
    again = member(reduction, 30, 0.5)
    again.load_state_dict(torch.load(buffer, weights_only=True))
    train(again, 30 - at, rank)
    return [fingerprint(each.model.state_dict().values()) for each in (individual, again)]


@pytest.mark.parametrize("at", [7, 22])
def test_a_saved_round_goes_on_as_if_nothing_had_happened(ranks, at):
    for whole, resumed in ranks(4).run(saved_and_gone_on, "exact", at):
        assert whole == resumed
