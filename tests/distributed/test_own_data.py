"""Data of the user's own instead of a loader of the clan: in all phases, on two ranks."""

import itertools
import logging
import math

import pytest
import torch
import torch.distributed as dist
from by_hand import TIMEOUT, net
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset
from torch.utils.data.distributed import DistributedSampler

from clantune_clan import Clan
from clantune_strategies import as_specified

DATA = TensorDataset(
    torch.randn(60, 6, generator=torch.Generator().manual_seed(0)),
    torch.randint(0, 3, (60,), generator=torch.Generator().manual_seed(1)),
)


class Stream(IterableDataset):
    """Every other sample, for each of two ranks."""

    def __iter__(self):
        return itertools.islice(iter(DATA), dist.get_rank(), None, dist.get_world_size())


def distributed_loader():
    return DataLoader(DATA, batch_size=5, sampler=DistributedSampler(DATA), drop_last=True)


LOADERS = {
    "sampler": distributed_loader,
    "stream": lambda: DataLoader(Stream(), batch_size=5),
    "list": lambda: [tuple(tensor[dist.get_rank() :: 12] for tensor in DATA.tensors)],
}


def judge(model):
    return nn.functional.cross_entropy(model(DATA.tensors[0]), DATA.tensors[1])


class Loop:
    """A loop over data of the user's own, and the phase of each batch."""

    def __init__(self, zeroes):
        model = net()
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        self.clan = Clan(
            model=model,
            optimizer=optimizer,
            autobind=["adamw"],
            total_steps=20,
            round_length=5,
            duty_cycle=0.4,
            strategies=as_specified(),
            timeout=TIMEOUT,
        )
        self.zeroes, self.modes = zeroes, []

    def train(self, member, batch, labels):
        self.modes.append(member.mode)
        if self.zeroes == "before":
            member.optimizer.zero_grad()
        nn.functional.cross_entropy(member.model(batch), labels).backward()
        member.optimizer.step()
        if self.zeroes == "after":
            member.optimizer.zero_grad()

    def over_batches(self, loader):
        for member in self.clan.rounds():
            for batch, labels in member.batches(loader):
                self.train(member, batch, labels)
            self.clan.step(judge)

    def over_epochs(self, loader):
        member = self.clan.round()
        for epoch in itertools.count():
            if isinstance(getattr(loader, "sampler", None), DistributedSampler):
                loader.sampler.set_epoch(epoch)
            for batch, labels in loader:
                self.train(member, batch, labels)
                member.step()
                if member.done:
                    self.clan.step(judge)
                    member = self.clan.round()
                if self.clan.finished:
                    return


def trained(kind, style, zeroes):
    """Train through all phases; return the phases of the batches, the log, and a weight."""
    lines = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())
    logging.getLogger("clantune").addHandler(handler)
    loop = Loop(zeroes)
    try:
        getattr(loop, style)(LOADERS[kind]())
    finally:
        logging.getLogger("clantune").removeHandler(handler)
    return loop.modes, lines, loop.clan._state.model[0].weight[0, 0].item()


@pytest.mark.parametrize("kind", LOADERS)
@pytest.mark.parametrize(
    ("style", "zeroes"), [("over_batches", "after"), ("over_epochs", "before")]
)
def test_a_clan_trains_with_data_of_the_users_own(ranks, kind, style, zeroes):
    lost = (
        "members got different batches in the first competitive step, so their losses also differ "
        "by luck, and selection is less sure: take the batches from clan.loader(...), which gives "
        "all members the same ones while they compete, and give Clan(accumulate=...) if gradients "
        "accumulate, so that phases end in time"
    )
    for rank, (modes, lines, weight) in enumerate(ranks(2).run(trained, kind, style, zeroes)):
        assert modes == (["cooperative"] * 3 + ["competitive"] * 2) * 4
        assert lines == ([] if rank else [lost])  # what is lost is said, and nothing else
        assert math.isfinite(weight)
