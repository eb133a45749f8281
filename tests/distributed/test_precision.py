"""float16 with a GradScaler, bfloat16, and activations that are computed again."""

import attrs
import pytest
import torch
import torch.distributed as dist
from by_hand import TIMEOUT, batch, error, in_small_buckets, member, net
from torch import nn
from torch.amp import GradScaler
from torch.utils.checkpoint import checkpoint

from clantune_clan import Clan
from clantune_clan.unwrapping import bare_module
from clantune_core import AbstractCrossbreedingStrategy, Ancestry

REDUCTIONS = ("exact", "ddp")

ROUND, STEPS = 8, 16
"""Members compete in the last 4 steps of each round."""

OVERFLOWS = {1: {0, 1, 2}, 2: {1}, 5: {2}, 6: {2}, 9: {0, 1, 2}, 10: {0, 2}, 13: {0}}
"""Ranks whose loss is infinite, by step."""


@attrs.frozen
class KeepOwn(AbstractCrossbreedingStrategy):
    """Each member keeps its own weights."""

    def select_ancestry(self, population_genomes, context):
        return Ancestry.sole(context.rank, population_genomes)


def loss_of(model, step):
    x, y = batch(dist.get_rank(), step)
    with torch.autocast("cpu", dtype=torch.float16):
        loss = nn.functional.cross_entropy(model(x), y)
    return loss * torch.inf if dist.get_rank() in OVERFLOWS.get(step, ()) else loss


def parts(model):
    """Return what is trained: a model, its optimizer, and a scaler that soon grows."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return model, optimizer, GradScaler("cpu", init_scale=2.0**10, growth_interval=3)


def state_of(model, scaler):
    weights = torch.cat([tensor.flatten() for tensor in bare_module(model).parameters()])
    return weights.detach().clone(), scaler.state_dict()


def in_a_clan(reduction):
    model = in_small_buckets(net()) if reduction == "ddp" else net()
    model, optimizer, scaler = parts(model)
    seen = []
    with Clan(
        model=model,
        optimizer=optimizer,
        scaler=scaler,
        reduction=reduction,
        round_length=ROUND,
        duty_cycle=0.5,
        strategies=[KeepOwn()],
        settings={"evaluate": "weights"},
        timeout=TIMEOUT,
    ) as clan:
        while len(seen) < STEPS:
            individual = clan.round()
            while not individual.done:
                scaler.scale(loss_of(individual.model, individual.steps_done)).backward()
                scaler.step(optimizer)
                scaler.update()
                if reduction == "exact":  # and in the other order, what is left over does not count
                    optimizer.zero_grad()
                individual.step()
                seen.append(state_of(model, scaler))
                optimizer.zero_grad()
            clan.step(1.0 + dist.get_rank())
    return seen


def by_hand():
    """Do the same without a clan."""
    size = dist.get_world_size()
    model, optimizer, scaler = parts(net())
    seen = []
    for step in range(STEPS):
        if step % ROUND == 0:
            states = [None] * size
            dist.all_gather_object(states, scaler.state_dict())
            lowest = min(states, key=lambda state: (state["scale"], state["_growth_tracker"]))
            scaler.load_state_dict(lowest)
        scaler.scale(loss_of(model, step)).backward()
        if step % ROUND < ROUND // 2:
            everyone = [None] * size
            dist.all_gather_object(everyone, [p.grad for p in model.parameters()])
            sound = [g for g in everyone if all(bool(each.isfinite().all()) for each in g)]
            for parameter, *gradients in zip(model.parameters(), *sound or everyone, strict=True):
                parameter.grad = torch.stack(gradients).mean(0)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        seen.append(state_of(model, scaler))
    return seen


def both(reduction):
    """Return the largest distance of weights in each step, and the states of the two scalers."""
    pairs = [*zip(in_a_clan(reduction), by_hand(), strict=True)]
    return [
        (float((weights - wanted).abs().max()), found, told)
        for (weights, found), (wanted, told) in pairs
    ]


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_scaler_backs_off_and_grows_as_by_hand_and_is_one_for_all_members(ranks, reduction):
    answers = ranks(3).run(both, reduction)
    for answer in answers:
        assert max(distance for distance, _, _ in answer) < 1e-5
        assert [found for _, found, _ in answer] == [told for _, _, told in answer]
    scales = [[found["scale"] for _, found, _ in answer] for answer in answers]
    for cooperative in (slice(0, 4), slice(8, 12)):
        assert scales[0][cooperative] == scales[1][cooperative] == scales[2][cooperative]
    assert len({scale for each in scales for scale in each}) > 2


def without_the_scaler():
    model, optimizer, scaler = parts(net())
    options = {"model": model, "optimizer": optimizer, "round_length": ROUND, "timeout": TIMEOUT}
    with Clan(strategies=[KeepOwn()], **options) as clan:
        clan.inherits("scaler", scaler)


def test_a_scaler_that_is_only_registered_is_an_error(ranks):
    for raised in ranks(2).fail(without_the_scaler):
        assert raised.message == (
            "hand in a GradScaler by Clan(scaler=scaler), so that members share it"
        )


def in_bfloat16(reduction):
    """Return how far gradients are from the mean of those by hand."""
    model = net()
    individual = member(model, reduction=reduction, duty_cycle=0.0)
    x, y = batch(dist.get_rank(), 0)

    def gradients_of(called):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(called(x), y)
        loss.backward()
        return [parameter.grad.clone() for parameter in model.parameters()]

    with individual.sync_context(sync=False):
        own = gradients_of(individual.model)
    everyone = [None] * dist.get_world_size()
    dist.all_gather_object(everyone, own)
    individual.optimizer.zero_grad()
    gradients_of(individual.model)
    return error(model, [torch.stack(each).mean(0) for each in zip(*everyone, strict=True)])


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_bfloat16_needs_no_scaler(ranks, reduction):
    assert max(ranks(3).run(in_bfloat16, reduction)) < 1e-6


class Checkpointed(nn.Module):
    """Computes the activations of its first part again in the backward pass."""

    def __init__(self, reentrant):
        super().__init__()
        self.first, self.second, self.reentrant = nn.Linear(2, 4), nn.Linear(4, 1), reentrant

    def forward(self, x):
        x = checkpoint(self.first, x, use_reentrant=self.reentrant)
        return self.second(x)


def with_activations_computed_again(reduction, reentrant):
    torch.manual_seed(0)
    model = Checkpointed(reentrant)
    individual = member(model, reduction=reduction, duty_cycle=0.0)
    for _ in range(2):
        x = torch.full((1, 2), 1.0 + dist.get_rank(), requires_grad=True)
        individual.model(x).sum().backward()
        found = model.first.weight.grad.clone(), model.second.weight.grad.clone()
        individual.optimizer.zero_grad()
    alone = Checkpointed(reentrant=False)
    alone.load_state_dict(model.state_dict())
    sum(alone(torch.full((1, 2), x)).sum() / 3 for x in (1.0, 2.0, 3.0)).backward()
    wanted = alone.first.weight.grad, alone.second.weight.grad
    return max(float((f - w).abs().max()) for f, w in zip(found, wanted, strict=True))


@pytest.mark.parametrize(
    ("reduction", "reentrant"), [("exact", False), ("ddp", False), ("ddp", True)]
)
def test_activations_may_be_computed_again(ranks, reduction, reentrant):
    assert max(ranks(3).run(with_activations_computed_again, reduction, reentrant)) < 1e-6
