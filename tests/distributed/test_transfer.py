"""Messages between members, and sums over them."""

import pytest
import torch
import torch.distributed as dist

from clantune_clan import Communication

TIMEOUT = 20.0


def message(sender, number, length=1000):
    return torch.full((length,), 10 * sender + number)


def several_under_way(count):
    """Begin to exchange all messages with all members, then wait for the last ones first."""
    channel = Communication(timeout=TIMEOUT)
    me, others = channel.member_index, range(channel.num_members)
    begun = []
    for number in range(count):
        incoming = {other: torch.zeros(1000, dtype=torch.int64) for other in others}
        outgoing = dict.fromkeys(others, message(me, number))
        begun.append((incoming, channel.transfer.exchange(me, outgoing, incoming)))
    for _, works in reversed(begun):
        for work in works:
            channel.transfer.finish(work, "a test")
    return [[{*incoming[other].tolist()} for other in others] for incoming, _ in begun]


@pytest.mark.parametrize("members", [2, 4])
def test_messages_arrive_in_the_order_in_which_they_are_sent(ranks, members):
    for got in ranks(members).run(several_under_way, 5):
        assert got == [[{10 * sender + number} for sender in range(members)] for number in range(5)]


def one_way_with_nothing_to_send():
    channel = Communication(timeout=TIMEOUT)
    me, empty = channel.member_index, torch.empty(0)
    works = channel.transfer.exchange(me, {1 - me: empty}, {1 - me: empty.clone()})
    got = torch.zeros(1000, dtype=torch.int64)
    outgoing, incoming = ({1: message(0, 7)}, {}) if me == 0 else ({}, {0: got})
    for work in works + channel.transfer.exchange(me, outgoing, incoming):
        channel.transfer.finish(work, "a test")
    return len(works), {*got.tolist()}


def test_an_empty_message_does_not_travel(ranks):
    assert ranks(2).run(one_way_with_nothing_to_send) == [(0, {0}), (0, {7})]


def sums(ranks_per_member, dtype):
    channel = Communication(ranks_per_member=ranks_per_member, timeout=TIMEOUT)
    tensors = [torch.full((5,), 10.0 ** dist.get_rank() * n).to(dtype) for n in (1, 2, 3)]
    works = [channel.transfer.add_up(tensor) for tensor in tensors]
    for work in works:
        channel.transfer.finish(work, "a test")
    return [tensor[0].item() for tensor in tensors]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64])
def test_sums_are_those_of_the_ranks_of_one_place(ranks, dtype):
    assert ranks(4).run(sums, 1, dtype) == [[1111.0, 2222.0, 3333.0]] * 4
    evens, odds = [101.0, 202.0, 303.0], [1010.0, 2020.0, 3030.0]
    assert ranks(4).run(sums, 2, dtype) == [evens, odds] * 2


def where_messages_lie():
    """Ask where messages from devices lie."""
    transfer = Communication(timeout=TIMEOUT).transfer
    return [str(transfer.message_device(torch.device(kind))) for kind in ("cpu", "cuda:1")]


@pytest.mark.parametrize("backend", ["gloo", "cpu:gloo,cuda:gloo", "cpu:gloo"])
def test_gloo_sends_from_main_memory(ranks, backend):
    assert ranks(2, backend).run(where_messages_lie) == [["cpu", "cpu"]] * 2


def test_another_backend_sends_from_the_device_that_it_serves(ranks):
    assert ranks(2, "cpu:gloo,cuda:fake").run(where_messages_lie) == [["cpu", "cuda:1"]] * 2
