"""The checksum: equal for equal bits in any layout, and for nothing else that can happen."""

import pytest
import torch

from clantune_clan.inheritance import checksum as module
from clantune_clan.inheritance.checksum import checksum
from clantune_clan.inheritance.checksum import checksum_of as checksum_here

SIZE = 1000


@pytest.fixture(params=["one step", "many steps"])
def checksum_of(request, monkeypatch):
    """Return the function, with much or little added up at once."""
    if request.param == "many steps":
        monkeypatch.setattr(module, "WORDS", 64)
    module._weights.cache_clear()
    yield checksum_here
    module._weights.cache_clear()


def values(dtype):
    torch.manual_seed(0)
    return torch.randn(SIZE).to(dtype)


FLOATS = [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.float8_e4m3fn]


def flipped(tensor, *places):
    other = tensor.clone()
    for place in places:
        other[place] = -other[place].float()
    return other


@pytest.mark.parametrize("dtype", FLOATS)
def test_signs_count(checksum_of, dtype):
    tensor = values(dtype)
    seen = {checksum_of(tensor)}
    for places in [(0,), (1,), (0, 1), (1, 3), (1, 2), (998, 999), (1, 5, 7, 9), (0, 2, 4, 6)]:
        seen.add(checksum_of(flipped(tensor, *places)))
    seen.add(checksum_of((-tensor.float()).to(dtype)))
    assert len(seen) == 10


@pytest.mark.parametrize("dtype", FLOATS)
def test_places_count(checksum_of, dtype):
    tensor = values(dtype)
    halves = torch.cat([tensor[SIZE // 2 :], tensor[: SIZE // 2]])
    eights = tensor.view(torch.uint8).view(-1, 8).flip(0).contiguous().view(-1).view(dtype)
    others = [halves, eights, tensor.view(torch.uint8).flip(0).contiguous().view(dtype)]
    for one, other in [(0, 1), (0, 2), (1, 3), (17, 999), (500, 501)]:
        swapped = tensor.clone()
        swapped[one], swapped[other] = tensor[other], tensor[one]
        others.append(swapped)
    different = {bytes(each.view(torch.uint8).tolist()) for each in [tensor, *others]}
    assert len({checksum_of(each) for each in [tensor, *others]}) == len(different) >= 8


def test_equal_changes_do_not_undo_each_other(checksum_of):
    tensor = torch.full((SIZE,), 5.0)
    seen = {checksum_of(tensor)}
    pairs = [(one, other) for one in range(12) for other in range(one)]
    for one, other in pairs:
        for up, down in [(7.0, 7.0), (7.0, 3.0), (10.0, 2.5), (torch.inf, -torch.inf)]:
            changed = tensor.clone()
            changed[one], changed[other] = up, down
            seen.add(checksum_of(changed))
    assert len(seen) == 1 + 4 * len(pairs)


def test_values_of_few_bits_that_change_places_are_seen(checksum_of):
    tensor = torch.zeros(SIZE)
    tensor[3] = 1.0
    seen = {checksum_of(tensor.roll(shift)) for shift in range(SIZE)}
    assert len(seen) == SIZE


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.int8, torch.bool])
def test_whole_numbers_count(checksum_of, dtype):
    zeros = torch.zeros(64, dtype=dtype)
    ones = torch.ones(64, dtype=dtype)
    assert checksum_of(zeros) != checksum_of(ones)
    assert checksum_of(zeros) != checksum_of(-1 * zeros.to(torch.int64) - 1)
    assert len({checksum_of(torch.eye(8).roll(n).to(dtype)) for n in range(64)}) == 64


def test_the_layout_does_not_count(checksum_of):
    tensor = torch.randn(3, 7, 11, 5)
    same = [
        tensor.to(memory_format=torch.channels_last),
        tensor.permute(3, 1, 0, 2).contiguous().permute(2, 1, 3, 0),
        torch.randn(3, 7, 11, 10)[..., ::2].copy_(tensor),
        torch.empty(3 * 7 * 11 * 5 + 1)[1:].view(3, 7, 11, 5).copy_(tensor),
        torch.nn.Parameter(tensor),
    ]
    assert {checksum_of(each) for each in same} == {checksum_of(tensor)}


def test_bits_are_compared_and_not_values(checksum_of):
    assert checksum_of(torch.tensor(0.0)) != checksum_of(torch.tensor(-0.0))
    assert checksum_of(torch.tensor(float("nan"))) == checksum_of(torch.tensor(float("nan")))
    assert checksum_of(torch.ones(2)) != checksum_of(torch.ones(2, dtype=torch.bfloat16))


def test_odd_sizes_and_types_have_one(checksum_of):
    tensors = [
        torch.empty(0),
        torch.tensor(1.0),
        torch.tensor(True),
        torch.ones(3, dtype=torch.uint16),
        torch.ones(5, dtype=torch.complex64) * 1j,
        torch.ones(5, dtype=torch.complex64).conj(),
        torch.zeros(0, 3),
        torch.zeros(7, dtype=torch.uint8),
        torch.zeros(8, dtype=torch.uint8),
    ]
    sums = [checksum_of(tensor) for tensor in tensors]
    assert sums[0] == sums[6]
    assert len({*sums}) == len(tensors) - 1


def test_one_of_all_depends_on_each_on_the_order_and_on_the_text():
    one, other = torch.ones(3), torch.zeros(3)
    both = checksum({"one": one, "other": other}, "form")
    assert both.parts == {"one": checksum_here(one), "other": checksum_here(other)}
    assert both == checksum({"one": one.clone(), "other": other.clone()}, "form")
    totals = {
        both.total,
        checksum({"one": other, "other": one}, "form").total,
        checksum({"one": one, "other": other}, "another").total,
        checksum({"one": one}, "form").total,
    }
    assert len(totals) == 4
    assert all(0 <= total < 2**63 for total in totals)
