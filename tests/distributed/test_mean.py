"""Means over ranks: both ways give the same, also when the next one begins before one is done."""

import pytest
import torch
import torch.distributed as dist

from clantune_clan import Communication
from clantune_clan.communication.mean import MeanByCollective, MeanByShares, begin_mean, shares_of

TIMEOUT = 20.0
LENGTHS = [(1000, 3, 1, 0, 250), (1,), (0,), (7, 7)]
"""Of the tensors of each mean: there are fewer elements than ranks, and none, too."""


def given(rank, number, dtype):
    torch.manual_seed(100 * rank + number)
    return [torch.randn(length, dtype=dtype) for length in LENGTHS[number]]


def check_means(way, dtype, total):
    """Have several means on their way at once, and compare them with those by hand."""
    transfer = Communication(timeout=TIMEOUT).transfer
    here = [given(dist.get_rank(), number, dtype) for number in range(len(LENGTHS))]
    means = [way(transfer, tensors, total, "a test") for tensors in here]
    for mean in means:
        mean.hand_out()
    for mean in means:
        mean.finish()
    for number, tensors in enumerate(here):
        everyone = [given(rank, number, dtype) for rank in range(dist.get_world_size())]
        for mine, *others in zip(tensors, *everyone, strict=True):
            torch.testing.assert_close(mine, torch.stack(others).sum(0) / total)
    return len(here)


def by_collective(dtype, total):
    return check_means(MeanByCollective, dtype, total)


def by_shares(dtype, total):
    return check_means(MeanByShares, dtype, total)


@pytest.mark.parametrize("function", [by_collective, by_shares])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64])
@pytest.mark.parametrize("members", [2, 3, 4])
def test_a_mean_is_the_sum_divided(ranks, function, dtype, members):
    assert ranks(members).run(function, dtype, 2.5) == [len(LENGTHS)] * members


def way_taken():
    transfer = Communication(timeout=TIMEOUT).transfer
    tensors = [torch.arange(5.0)]
    mean = begin_mean(transfer, tensors, float(dist.get_world_size()), "a test")
    mean.hand_out()
    mean.finish()
    return type(mean).__name__, tensors[0].tolist()


def test_in_the_main_memory_ranks_make_shares(ranks):
    assert ranks(2).run(way_taken) == [("MeanByShares", [0.0, 1.0, 2.0, 3.0, 4.0])] * 2


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_shares_are_all_there_is_in_order_and_nearly_equal(lengths, count):
    numbers = torch.arange(float(sum(lengths)))
    shares = shares_of(numbers.split(lengths), count)
    flat = [[each for part in share for each in part.tolist()] for share in shares]
    assert [each for share in flat for each in share] == numbers.tolist()
    assert all(len(part) for share in shares for part in share)
    assert max(map(len, flat)) - min(map(len, flat)) <= 1
