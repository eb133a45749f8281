"""Schedulers on two ranks: their rates are shared, and the genes of each member multiply them."""

import pytest
import torch
import torch.distributed as dist
from by_hand import TIMEOUT, batch, net
from torch import nn
from torch.optim import lr_scheduler

from clantune_clan import Clan
from clantune_strategies import Everyone, Gaussian

SCHEDULERS = {
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, 40),
    "plateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0, factor=0.5),
}
METRICS = [3.0, 2.0, 2.5, 1.0, 1.5]
"""Loss of the better member in each round; the other one's keeps falling."""


def plain(name, steps):
    """Return the rate of each step without a clan."""
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    scheduler, seen = SCHEDULERS[name](optimizer), []
    for step in range(1, steps + 1):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if name != "plateau":
            scheduler.step()
        elif step % 8 == 0:
            scheduler.step(METRICS[step // 8 - 1])
    return seen


def scheduled(name):
    """Return the gene and the rate of each step, and what a step without a clan has."""
    model, rank = net(), dist.get_rank()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    scheduler = SCHEDULERS[name](optimizer)
    clan = Clan(
        model=model,
        optimizer=optimizer,
        autobind=["sgd"],
        scheduler=scheduler,
        total_steps=40,
        round_length=8,
        duty_cycle=0.25,
        strategies=[Everyone(), Gaussian(0.5)],
        timeout=TIMEOUT,
    )
    genes, used = [], []
    for member in clan.rounds():
        while not member.done:
            x, y = batch(rank, member.steps_done)
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            genes.append(member.get_gene("lr"))
            used.append(member.learning_rate)
            before = model[0].bias.detach().clone()
            gradient = model[0].bias.grad.clone()
            optimizer.step()
            step = before - model[0].bias.detach()
            assert torch.allclose(step, used[-1] * gradient, atol=1e-7)
            if name != "plateau":
                scheduler.step()
            member.step()
        metric = METRICS[clan.run_state.round]
        clan.step(metric if rank else 10.0 - clan.run_state.round)
    return genes, used, plain(name, 40)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_each_member_multiplies_one_schedule(ranks, name):
    answers = ranks(2).run(scheduled, name)
    for genes, used, rates in answers:
        assert len({*genes}) == 5  # another value in each round
        assert len({*rates}) > 1
        wanted = [gene / 0.01 * rate for gene, rate in zip(genes, rates, strict=True)]
        assert used == pytest.approx(wanted, rel=1e-12)
    assert answers[0][0] != answers[1][0]
