"""Members of two ranks: gradients are averaged within a member always, and among them at times."""

import copy

import pytest
import torch
import torch.distributed as dist
from by_hand import TIMEOUT, batch, error, in_small_buckets, mean_over, member, net
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from clantune_clan import Communication

REDUCTIONS = ("exact", "ddp")


class TwoWays(nn.Module):
    """A model that takes one of two ways, so that not every parameter gets a gradient."""

    def __init__(self):
        super().__init__()
        self.shared, self.left, self.right = nn.Linear(6, 8), nn.Linear(8, 3), nn.Linear(8, 3)

    def forward(self, x):
        way = self.left if dist.get_rank() in (0, 3) else self.right
        return way(self.shared(x))


def loss_of(model, step):
    x, y = batch(dist.get_rank(), step)
    return nn.functional.cross_entropy(model(x), y)


def gradients_by_hand(model, steps, ranks):
    """Return the mean over ranks of what each finds on a copy that nobody hooks into."""
    twin = copy.deepcopy(model)
    twin.zero_grad(set_to_none=False)
    for step in steps:
        loss_of(twin, step).backward()
    own = [torch.zeros_like(p) if p.grad is None else p.grad for p in twin.parameters()]
    return mean_over(own, dist.get_world_size(), ranks=ranks)


STYLES = {
    "each": {},
    "accumulated": {"passes": 3},
    "held back": {"passes": 3},
    "zeroed first": {},
    "unused": {},
    "compiled": {},
    "not finite": {"broken": 3},
}


def in_both_phases(reduction, style):
    """Return by phase how far gradients are from those by hand, and the weights at the end."""
    passes, broken = STYLES[style].get("passes", 1), STYLES[style].get("broken")
    rank, channel = dist.get_rank(), Communication(ranks_per_member=2, timeout=TIMEOUT)
    torch.manual_seed(0)
    model = TwoWays() if style == "unused" else net()
    given = model
    if style == "compiled":  # torch refuses small buckets here
        given = torch.compile(model, backend="eager")
        given = DistributedDataParallel(given) if reduction == "ddp" else given
    elif reduction == "ddp":
        given = in_small_buckets(model, find_unused_parameters=style == "unused")
    individual = member(given, channel=channel, reduction=reduction)
    first = 2 * channel.member_index
    errors = {"cooperative": [], "competitive": []}
    while not individual.done:
        mode, step = individual.mode, 3 * individual.steps_done
        peers = range(4) if mode == "cooperative" else range(first, first + 2)
        peers = [peer for peer in peers if peer != broken]
        if style == "zeroed first":
            individual.optimizer.zero_grad()
        steps = range(step, step + passes)
        wanted = gradients_by_hand(model, steps, peers)
        for each in steps:
            with individual.sync_context(sync=style != "held back" or each == steps[-1]):
                loss = loss_of(individual.model, each)
                (loss * torch.inf if rank == broken else loss).backward()
        errors[mode].append(error(model, wanted))
        individual.optimizer.step()
        if style != "zeroed first":
            individual.optimizer.zero_grad()
        individual.step()
    gradients = individual._transitions.gradients
    weights = [parameter.tolist() for parameter in model.parameters()]
    return errors, gradients.name, gradients.averaged, weights


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_ranks_of_a_member_share_gradients_in_both_phases(ranks, reduction, style):
    answers = ranks(4).run(in_both_phases, reduction, style)
    for errors, name, averaged, _ in answers:
        assert (name, averaged) == (reduction, 12 if style == "accumulated" else 4)
        assert len(errors["cooperative"]) == len(errors["competitive"]) == 2
        assert max(errors["cooperative"] + errors["competitive"]) < 1e-6
    weights = [weights for *_, weights in answers]
    assert weights[0] == weights[1] != weights[2] == weights[3]


def with_a_rate_of_their_own(reduction):
    channel = Communication(ranks_per_member=2, timeout=TIMEOUT)
    model = nn.Linear(1, 1)
    individual = member(
        model, channel=channel, reduction=reduction, lr=0.1 * (1 + channel.member_index)
    )
    means, lr = [], []
    while not individual.done:
        individual.model(torch.tensor([[1.0 + channel.rank]])).backward()
        means.append(model.weight.grad.item())
        lr.append(individual.get_value("optimizer/param_groups/0/lr"))
        individual.optimizer.step()
        individual.optimizer.zero_grad()
        individual.step()
    fitness = individual.get_world_fitness(float(channel.member_index))
    return means, lr, model.weight.item(), {m: g.fitness for m, g in fitness.items()}


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_genes_and_fitness_belong_to_a_member(ranks, reduction):
    answers = ranks(4).run(with_a_rate_of_their_own, reduction)
    assert [means for means, *_ in answers] == [
        [2.5, 2.5, 1.5, 1.5],
        [2.5, 2.5, 1.5, 1.5],
        [2.5, 2.5, 3.5, 3.5],
        [2.5, 2.5, 3.5, 3.5],
    ]
    assert [lr[0] for _, lr, _, _ in answers] == [0.1, 0.1, 0.2, 0.2]
    weights = [weight for _, _, weight, _ in answers]
    assert weights[0] == weights[1] != weights[2] == weights[3]
    assert all(fitness == {0: 0.0, 1: 1.0} for *_, fitness in answers)


def in_half_clans(reduction, sides):
    """Return how far gradients are from the mean over this member's side."""
    channel = Communication(ranks_per_member=2, timeout=TIMEOUT)
    model, side = net(), sides[channel.member_index]
    options = {"half_clan": side, "round_length": 1, "duty_cycle": 0.0}
    individual = member(model, channel=channel, reduction=reduction, **options)
    half = [rank for rank in range(channel.world_size) if sides[rank // 2] is side]
    wanted = gradients_by_hand(model, [0], half)
    loss_of(individual.model, 0).backward()
    return error(model, wanted)


@pytest.mark.parametrize(
    "sides", [[True, False], [True, True], [True, False, True, False]], ids=["2", "one side", "4"]
)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_half_clans_average_within_their_side(ranks, reduction, sides):
    assert max(ranks(2 * len(sides)).run(in_half_clans, reduction, sides)) < 1e-6
