"""The deal: which samples a step takes and who gets which of them, without any data."""

import itertools

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clantune_clan.errors import ClanError, LoaderError
from clantune_clan.loader.deal import Deal, Window
from clantune_clan.loader.order import Order
from clantune_clan.schedule import Schedule

COOPERATION, COMPETITION = Schedule(1, 0.0), Schedule(1, 1.0)


@st.composite
def deals(draw):
    ranks_per_member = draw(st.integers(1, 3))
    return Deal(
        schedule=Schedule(draw(st.integers(1, 8)), draw(st.floats(0.0, 1.0))),
        batch_size=draw(st.integers(1, 5)),
        world_size=ranks_per_member * draw(st.integers(1, 6)),
        ranks_per_member=ranks_per_member,
        drop_last=draw(st.booleans()),
    )


def sizes(deal, step, samples):
    """How many samples each rank gets, step by step."""
    return [
        [len(range(samples)[deal.share(window, rank)]) for rank in range(deal.world_size)]
        for window in deal.windows(step, samples)
    ]


@given(deals(), st.integers(0, 100), st.integers(0, 200))
def test_windows_follow_each_other_and_are_full_until_the_last(deal, step, extra):
    samples = (deal.most if deal.drop_last else deal.world_size) + extra
    windows = list(deal.windows(step, samples))
    assert [window.step for window in windows] == list(range(step, step + len(windows)))
    ends = [window.stop for window in windows]
    assert [window.start for window in windows] == [0, *ends[:-1]]
    for window in windows[: None if deal.drop_last else -1]:
        assert window.stop - window.start == deal.shards(window.step) * deal.batch_size
    left_out = samples - ends[-1]
    assert left_out < deal.most if deal.drop_last else left_out == 0


@given(deals(), st.integers(0, 100), st.integers(0, 200))
def test_shares_of_a_window_are_its_parts_as_even_as_can_be(deal, step, extra):
    samples = (deal.most if deal.drop_last else deal.world_size) + extra
    for window in deal.windows(step, samples):
        whole = list(range(window.start, window.stop))
        shares = [list(range(samples))[deal.share(window, r)] for r in range(deal.world_size)]
        if deal.schedule.mode_at(window.step) == "cooperative":
            assert list(itertools.chain(*shares)) == whole
        else:
            for first in range(0, deal.world_size, deal.ranks_per_member):
                member = shares[first : first + deal.ranks_per_member]
                assert list(itertools.chain(*member)) == whole
        lengths = {len(share) for share in shares}
        assert min(lengths) >= 1
        assert max(lengths) - min(lengths) <= 1
        assert max(lengths) < deal.batch_size + deal.world_size


@given(deals(), st.integers(0, 100), st.integers(0, 200), st.integers(0, 100))
def test_what_lies_beyond_the_lookahead_makes_no_difference(deal, step, left, more):
    far = deal.lookahead + left
    assert deal.taken(step, far) == deal.taken(step, far + more)


@pytest.mark.parametrize(
    ("schedule", "samples", "expected"),
    [
        (COOPERATION, 12, [[2, 2, 2], [2, 2, 2]]),
        (COOPERATION, 11, [[2, 2, 2], [1, 2, 2]]),
        (COOPERATION, 9, [[2, 2, 2], [1, 1, 1]]),
        (COOPERATION, 8, [[2, 3, 3]]),  # 2 samples are left, too few for 3 ranks
        (COOPERATION, 3, [[1, 1, 1]]),
        (COMPETITION, 4, [[2, 2, 2], [2, 2, 2]]),
        (COMPETITION, 5, [[2, 2, 2], [2, 2, 2], [1, 1, 1]]),
        (Schedule(2, 0.5), 11, [[2, 2, 2], [2, 2, 2], [1, 1, 1]]),
        (Schedule(2, 0.5), 10, [[2, 2, 2], [4, 4, 4]]),  # the next step would be a cooperative one
    ],
)
def test_the_end_of_an_epoch_is_dealt_out_evenly(schedule, samples, expected):
    assert sizes(Deal(schedule, 2, 3, 1, drop_last=False), 0, samples) == expected


@pytest.mark.parametrize(
    ("schedule", "samples", "expected"),
    [
        (COOPERATION, 12, [[2, 2, 2], [2, 2, 2]]),
        (COOPERATION, 11, [[2, 2, 2]]),
        (COMPETITION, 7, [[2, 2, 2], [2, 2, 2], [2, 2, 2]]),
        (
            Schedule(2, 0.5),
            13,
            [[2, 2, 2], [2, 2, 2]],
        ),  # a cooperative step would take 6, 5 are left
    ],
)
def test_dropping_the_last_leaves_out_the_first_step_that_is_not_full(schedule, samples, expected):
    assert sizes(Deal(schedule, 2, 3, 1, drop_last=True), 0, samples) == expected


def test_ranks_of_a_member_share_its_window():
    deal = Deal(COMPETITION, 2, 6, 3, drop_last=False)
    window = Window(step=5, start=10, stop=16)
    shares = [deal.share(window, rank) for rank in range(6)]
    assert shares == [slice(10, 12), slice(12, 14), slice(14, 16)] * 2
    cooperative = attrs.evolve(deal, schedule=COOPERATION)
    window = Window(step=5, start=10, stop=22)
    shares = [cooperative.share(window, rank) for rank in range(6)]
    assert shares == [slice(start, start + 2) for start in range(10, 22, 2)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 0}, "batch_size is a number of samples, 1 or more; got 0"),
        ({"batch_size": 2.0}, "batch_size is a number of samples, 1 or more; got 2.0"),
        ({"batch_size": None}, "batch_size is a number of samples, 1 or more; got None"),
        ({"world_size": True}, "world_size is a number of ranks, 1 or more; got True"),
        ({"ranks_per_member": 0}, "ranks_per_member is a number of ranks, 1 or more; got 0"),
        (
            {"ranks_per_member": 4},
            (
                "6 ranks cannot be members of 4 ranks each: world_size is a multiple of "
                "ranks_per_member"
            ),
        ),
    ],
)
def test_a_deal_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(ClanError) as caught:
        attrs.evolve(Deal(COOPERATION, 2, 6, 1, drop_last=False), **change)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("drop_last", "samples", "message"),
    [
        (False, 3, "It has 3 samples and needs at least 4: one for each rank (world_size is 4)"),
        (
            True,
            1,
            (
                "It has 1 sample and needs at least 8: a full batch for each rank, because "
                "drop_last is True (world_size is 4, batch_size is 2)"
            ),
        ),
    ],
)
def test_too_few_samples_are_refused(drop_last, samples, message):
    deal = Deal(COOPERATION, 2, 4, 1, drop_last)
    with pytest.raises(LoaderError) as caught:
        deal.check_suffices(samples, "It has")
    assert str(caught.value) == message
    deal.check_suffices(8 if drop_last else 4, "It has")


@given(st.integers(1, 300), st.integers(0, 5), st.integers(0, 5))
def test_an_order_is_a_permutation_that_seed_and_epoch_decide(samples, seed, epoch):
    order = Order(samples, shuffle=True, seed=seed)
    assert sorted(order.of_epoch(epoch).tolist()) == list(range(samples))
    assert order.of_epoch(epoch).equal(Order(samples, shuffle=True, seed=seed).of_epoch(epoch))
    if samples > 20:
        assert not order.of_epoch(epoch).equal(order.of_epoch(epoch + 1))
        assert not order.of_epoch(epoch).equal(attrs.evolve(order, seed=seed + 1).of_epoch(epoch))
    in_order = attrs.evolve(order, shuffle=False)
    assert in_order.of_epoch(epoch).tolist() == list(range(samples))


def test_seeds_do_not_run_into_each_other():
    order = Order(10, shuffle=True, seed=1)
    seeds = [
        order.seed_of(purpose, *numbers)
        for purpose in ("order", "workers")
        for numbers in [(1,), (11,), (1, 1), (1, 11), (11, 1)]
    ]
    seeds += [Order(10, shuffle=True, seed=11).seed_of("order", 1)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
