"""Loops that accumulate gradients, in a clan: windows and rounds of any length."""

import contextlib

import pytest
import torch
import torch.distributed as dist
from by_hand import TIMEOUT, error, in_small_buckets, mean_over, net, twin_of
from torch import nn

from clantune_clan import Clan
from clantune_core import IntAllele
from clantune_strategies import Everyone

TOTAL = 41
DATA = torch.utils.data.TensorDataset(
    torch.randn(2000, 6, generator=torch.Generator().manual_seed(0)),
    torch.randint(0, 3, (2000,), generator=torch.Generator().manual_seed(1)),
)


class Loop:
    """A loop that accumulates, and what it finds: its phases, and the error of each gradient."""

    def __init__(self, zeroes, size=4, *, pauses=None, gene=None, **options):
        model = self.model = net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        given = {"total_steps": TOTAL, "round_length": 10, "duty_cycle": 0.3, "timeout": TIMEOUT}
        self.clan = Clan(
            model=in_small_buckets(model) if pauses == "no_sync" else model,
            optimizer=optimizer,
            autobind=["sgd"],
            strategies=[Everyone()],
            **given | options,
        )
        if gene is not None:
            window = IntAllele(gene, (1, 64), can_mutate=False)
            self.clan.add_gene("window", type="gradient_accumulation", allele=window)
        self.zeroes, self.size, self.pauses, self.gene = zeroes, size, pauses, gene
        self.modes, self.errors, self.windows = [], [], []

    def run(self):
        loader, count = iter(self.clan.loader(DATA, batch_size=5)), 0
        for member in self.clan.rounds():
            while not member.done:
                x, y = next(loader)
                size = self.size if self.gene is None else member.get_gene("window")
                if count == 0:
                    self.begin(member)
                count += 1
                self.backward(member, x, y, size, is_last=count >= size)
                if count >= size:
                    self.step(member)
                    count = 0
                self.modes.append(member.mode)
                member.step()
            self.clan.step(1.0)
        rounds = [(record.start, record.steps) for record in self.clan.history if not record.member]
        return "".join(mode[2] for mode in self.modes), self.windows, max(self.errors), rounds

    def begin(self, member):
        if self.zeroes == "before":
            member.optimizer.zero_grad()
        self.twin, self.mode, self.wanted = twin_of(self.model), member.mode, []

    def backward(self, member, x, y, size, *, is_last):
        self.twin.zero_grad()
        (nn.functional.cross_entropy(self.twin(x), y) / size).backward()
        mine = [p.grad.clone() for p in self.twin.parameters()]
        averages = member.mode == "cooperative"
        self.wanted.append(mean_over(mine, dist.get_world_size()) if averages else mine)
        with self.pause(member, is_last):
            (nn.functional.cross_entropy(member.model(x), y) / size).backward()

    def pause(self, member, is_last):
        if is_last or self.pauses is None:
            return contextlib.nullcontext()
        if self.pauses == "no_sync":  # of the wrapper, as Accelerate and others do
            return member.model.no_sync()
        return member.sync_context(sync=False)

    def step(self, member):
        wanted = [sum(parts) for parts in zip(*self.wanted, strict=True)]
        self.errors.append(error(self.model, wanted))
        self.windows.append(len(self.wanted))
        assert self.mode == member.mode  # no window has batches of two phases
        member.optimizer.step()
        if self.zeroes == "after":
            member.optimizer.zero_grad()


def looped(zeroes, size, options):
    return Loop(zeroes, size, **options).run()


def phases(*parts):
    """Return a string of phases: o for each cooperative step, and m for each competitive one."""
    return "".join("om"[number % 2] * length for number, length in enumerate(parts))


# Of the 41 steps of a run, rounds of 10 have 3 competitive ones, rounds of 7 and 3 have 2 and 1.
# A phase ends late if a window does not end in time, and the next one begins in the meantime.
CASES = [
    ({"round_length": 10}, 3, phases(9, 3, 6, 3, 6, 3, 9, 2), [12, 9, 9, 11]),
    ({"round_length": 10}, 4, phases(8, 4, 8, 4, 4, 4, 8, 1), [12, 12, 8, 9]),
    ({"round_length": 7}, 3, phases(6, 3, 3, 3, 6, 3, 3, 3, 9, 2), [9, 6, 9, 6, 11]),
    # Windows that are longer than a competitive phase, or than a round.
    ({"round_length": 7}, 13, phases(13, 13, 13, 2), [26, 15]),
    ({"round_length": 3}, 4, phases(*[4] * 10, 1), [8] * 5 + [1]),
    # With `accumulate`, phases end as they are due.
    ({"round_length": 10, "accumulate": 4}, 4, phases(8, 4, 8, 4, 12, 5), [12, 12, 17]),
    ({"round_length": 7, "accumulate": 3}, 3, phases(6, 3, 6, 3, 6, 3, 9, 5), [9, 9, 9, 14]),
    ({"round_length": 7, "accumulate": 6}, 6, phases(6, 6, 6, 6, 6, 11), [12, 12, 17]),
]


@pytest.mark.parametrize(("options", "size", "modes", "lengths"), CASES)
@pytest.mark.parametrize("zeroes", ["before", "after"])
def test_windows_of_any_size_fit_rounds_of_any_length(ranks, options, size, modes, lengths, zeroes):
    for rank, (seen, windows, off, rounds) in enumerate(
        ranks(2).run(looped, zeroes, size, options)
    ):
        assert seen == modes
        assert windows == [size] * (TOTAL // size)  # and no window is cut
        assert off < 1e-6
        starts = [sum(lengths[:number]) for number in range(len(lengths))]
        assert rounds == ([] if rank else [*zip(starts, lengths, strict=True)])


@pytest.mark.parametrize("zeroes", ["before", "after"])
@pytest.mark.parametrize("reduction", ["exact", "ddp"])
@pytest.mark.parametrize("pauses", [None, "sync_context", "no_sync"])
def test_each_reduction_averages_windows(ranks, zeroes, reduction, pauses):
    options = {"round_length": 7, "pauses": pauses, "reduction": reduction}
    for seen, windows, off, _ in ranks(2).run(looped, zeroes, 3, options):
        assert seen == phases(6, 3, 3, 3, 6, 3, 3, 3, 9, 2)
        assert windows == [3] * 13
        assert off < 1e-6


@pytest.mark.parametrize("zeroes", ["before", "after"])
@pytest.mark.parametrize(
    ("gene", "windows"),
    [
        (3, [3, 3, 1, 3] * 3 + [3, 3, 2, 3]),  # 7 and 3 steps in each round, 8 and 3 in the last
        (5, [5, 2, 3] * 3 + [5, 3, 3]),  # windows longer than a competitive phase
        (64, [7, 3] * 3 + [8, 3]),
    ],
)
def test_the_windows_of_a_gene_end_with_the_phase(ranks, zeroes, gene, windows):
    for seen, found, off, _ in ranks(2).run(looped, zeroes, None, {"gene": gene}):
        assert seen == phases(*[7, 3] * 3, 8, 3)
        assert found == windows
        assert off < 1e-6
