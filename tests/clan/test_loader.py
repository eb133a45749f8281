"""The loader: one made per rank here, in one process, since loaders do not communicate."""

import itertools
import json
import pickle
import random
from collections import Counter

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from clantune_clan.errors import ClanError, LoaderError
from clantune_clan.loader import ClanLoader, clan_loader
from clantune_clan.schedule import Schedule

WORKERS = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


class Numbers(Dataset):
    """Sample i is the number i; counts how often a sample is loaded in this process."""

    def __init__(self, samples):
        self.samples, self.loaded = samples, 0

    def __len__(self):
        return self.samples

    def __getitem__(self, index):
        self.loaded += 1
        return index


class Stream(IterableDataset):
    def __init__(self, samples):
        self.samples = samples

    def __iter__(self):
        return iter(range(self.samples))


class ReshufflingStream(Stream):
    """Has `set_epoch`, as streams of the `datasets` package have."""

    epoch = None

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        return iter(random.Random(self.epoch).sample(range(self.samples), self.samples))


def made(dataset=20, batch_size=2, **options):
    dataset = Numbers(dataset) if isinstance(dataset, int) else dataset
    if "schedule" not in options:
        options = {"round_length": 4, "duty_cycle": 0.5} | options
    if options.get("num_workers"):
        options.setdefault("multiprocessing_context", "fork")
    return clan_loader(dataset, batch_size, collate_fn=list, **options)


def ranks(world_size, **options):
    return [made(rank=rank, world_size=world_size, **options) for rank in range(world_size)]


def handed_out(loader, batches):
    """The next batches with their epochs, over as many passes as that takes."""
    out = []
    while len(out) < batches:
        for batch in loader:
            out.append((loader.epoch, batch))
            if len(out) == batches:
                break
    return out


def windows(loaders, ranks_per_member):
    """Run one epoch on all ranks in step; check each step; return what each step took."""
    taken, schedule = [], loaders[0].schedule
    for batches in zip(*loaders, strict=True):
        mode = schedule.mode_at(loaders[0].step - 1)
        members = [
            list(itertools.chain(*batches[first : first + ranks_per_member]))
            for first in range(0, len(batches), ranks_per_member)
        ]
        if mode == "cooperative":
            taken.append(list(itertools.chain(*members)))
        else:
            assert all(member == members[0] for member in members)
            assert batches[:ranks_per_member] * len(members) == batches
            taken.append(members[0])
        sizes = {len(batch) for batch in batches}
        assert min(sizes) > 0
        assert max(sizes) - min(sizes) <= 1
    return taken


@st.composite
def settings_of_clans(draw):
    ranks_per_member = draw(st.integers(1, 2))
    world_size = draw(st.integers(1, 6 // ranks_per_member)) * ranks_per_member
    batch_size, drop_last = draw(st.integers(1, 5)), draw(st.booleans())
    least = world_size * (batch_size if drop_last else 1)
    samples, is_stream = draw(st.integers(least, least + 70)), draw(st.booleans())
    return {
        "dataset": Stream(samples) if is_stream else Numbers(samples),
        "world_size": world_size,
        "ranks_per_member": ranks_per_member,
        "batch_size": batch_size,
        "drop_last": drop_last,
        "schedule": Schedule(draw(st.integers(1, 12)), draw(st.floats(0.0, 1.0))),
        "shuffle": None if is_stream else draw(st.sampled_from((None, True, False))),
        "seed": draw(st.integers(0, 2**70)),
        "first_step": draw(st.integers(0, 30)),
    }


@given(settings_of_clans())
def test_every_sample_is_used_once_in_an_epoch(options):
    loaders = ranks(**options)
    samples = options["dataset"].samples
    step = options["first_step"]
    for epoch in range(3):
        assert {(loader.epoch, loader.step) for loader in loaders} == {(epoch, step)}
        taken = windows(loaders, options["ranks_per_member"])
        step += len(taken)
        used = Counter(itertools.chain(*taken))
        assert set(used.values()) == {1}
        assert set(used) <= set(range(samples))
        if options["drop_last"]:
            assert samples - len(used) < options["world_size"] * options["batch_size"]
        else:
            assert len(used) == samples


@given(settings_of_clans(), st.data())
def test_a_resumed_loader_hands_out_what_would_have_come(options, data):
    uninterrupted = [handed_out(loader, 60) for loader in ranks(**options)]
    stop, again = data.draw(st.integers(0, 40)), data.draw(st.integers(0, 20))
    first = made(**options, rank=0)
    assert handed_out(first, stop) == uninterrupted[0][:stop]
    second = made(**options, rank=0)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert handed_out(second, again) == uninterrupted[0][stop : stop + again]
    state = second.state_dict()
    for rank, expected in enumerate(uninterrupted):  # what one rank saved serves all
        third = made(**options, rank=rank)
        third.load_state_dict(state)
        assert third.step == options["first_step"] + stop + again
        assert handed_out(third, 60 - stop - again) == expected[stop + again :]


# Its epochs have 1, 1, 4 and 1 batches: a competitive step takes fewer samples.
SHORT_FOURTH_EPOCH = {
    "dataset": Numbers(5),
    "world_size": 5,
    "batch_size": 1,
    "schedule": Schedule(6, 0.75),
}


@given(settings_of_clans())
@example(SHORT_FOURTH_EPOCH)
def test_length_is_the_number_of_batches_to_come(options):
    if isinstance(options["dataset"], Stream):
        return
    loader = made(**options, rank=0)
    for _ in range(3):
        expected = len(loader)
        assert len(list(loader)) == expected
    passing = iter(loader)
    for _ in range(len(loader) // 2):
        next(passing)
    resumed = made(**options, rank=0)
    resumed.load_state_dict(loader.state_dict())
    length = len(resumed)
    assert length == len(list(passing))
    assert length == len(list(resumed))


@WORKERS
@settings(max_examples=5)
@given(settings_of_clans(), st.integers(0, 10))
def test_workers_and_a_resume_change_nothing_at_any_setting(options, stop):
    workers = 1 if isinstance(options["dataset"], Stream) else 2
    expected = handed_out(made(**options, rank=0), 20)
    loader = made(**options, rank=0, num_workers=workers)
    assert handed_out(loader, stop) == expected[:stop]
    loader.load_state_dict(loader.state_dict())
    assert handed_out(loader, 20 - stop) == expected[stop:]


@WORKERS
@pytest.mark.parametrize("persistent", [False, True])
def test_workers_that_load_ahead_change_nothing(persistent):
    options = {"dataset": Numbers(37), "batch_size": 2, "round_length": 3, "duty_cycle": 0.34}
    options |= {"world_size": 3, "rank": 1}
    expected = handed_out(made(**options), 45)
    workers = {"num_workers": 2, "prefetch_factor": 4, "persistent_workers": persistent}
    loader = made(**options, **workers)
    assert handed_out(loader, 18) == expected[:18]  # in the middle of an epoch, then broken off
    state = loader.state_dict()
    assert state["step"] == 18  # not 26, which is how many were loaded
    assert state["batches"] not in (0, len(loader))
    loader.load_state_dict(state)
    assert handed_out(loader, 27) == expected[18:]
    assert options["dataset"].loaded == sum(len(batch) for _, batch in expected)  # without workers


@WORKERS
@pytest.mark.parametrize("persistent", [False, True])
def test_a_worker_that_reads_a_stream_ahead_changes_nothing(persistent):
    options = {"dataset": ReshufflingStream(37), "world_size": 3, "rank": 1}
    expected = handed_out(made(**options), 45)
    assert len({batch[0] for epoch, batch in expected}) > 10
    loader = made(**options, num_workers=1, prefetch_factor=4, persistent_workers=persistent)
    assert handed_out(loader, 18) == expected[:18]
    loader.load_state_dict(loader.state_dict())
    assert handed_out(loader, 27) == expected[18:]


def test_phases_follow_from_the_number_of_the_step():
    loader = made(40, 2, rank=1, world_size=2, shuffle=False, round_length=4, duty_cycle=0.5)
    seen = []
    for batch in loader:
        seen.append((loader.step - 1, batch))
        if loader.step == 6:
            break
    assert seen == [
        (0, [2, 3]),  # cooperation: rank 0 has 0 and 1
        (1, [6, 7]),
        (2, [8, 9]),  # competition: all have these
        (3, [10, 11]),
        (4, [14, 15]),
        (5, [18, 19]),
    ]
    assert (loader.step, loader.mode) == (6, "competitive")


def test_ranks_of_a_member_share_what_members_have_in_common():
    loaders = ranks(4, dataset=16, batch_size=2, ranks_per_member=2, shuffle=False, duty_cycle=1.0)
    assert [next(iter(loader)) for loader in loaders] == [[0, 1], [2, 3], [0, 1], [2, 3]]


def test_epochs_have_orders_of_their_own_without_a_call():
    loader = made(20, 20)
    passes = [next(iter(loader)) for _ in range(3)]
    assert loader.epoch == 2
    assert len({tuple(order) for order in passes}) == 3
    again = made(20, 20)
    again.set_epoch(2)
    assert next(iter(again)) == passes[2]
    again.set_epoch(0)
    assert next(iter(again)) == passes[0]
    assert next(iter(made(20, 20, seed=1))) != passes[0]


def test_breaking_off_begins_the_next_epoch_and_keeps_count_of_steps():
    loader = made(20, 2, first_step=100)
    for _ in loader:
        if loader.step == 103:
            break
    assert (loader.epoch, loader.step) == (0, 103)
    whole = list(loader)
    assert sorted(itertools.chain(*whole)) == list(range(20))
    assert (loader.epoch, loader.step) == (2, 113)
    other = made(20, 2, first_step=103)
    other.set_epoch(1)
    assert list(other) == whole


def test_a_state_saved_after_a_break_goes_on_where_that_was():
    loader = made(20, 2)
    expected = list(made(20, 2))
    assert [batch for batch, _ in zip(loader, range(3), strict=False)] == expected[:3]
    assert loader.step == 4  # zip had taken one more when it saw that it was enough
    state = loader.state_dict()
    loader.load_state_dict(state)
    assert list(loader) == expected[4:]


class Flaky(Numbers):
    fails_at = 7

    def __getitem__(self, index):
        if index == self.fails_at:
            raise OSError(index)
        return index


def test_a_sample_that_cannot_be_loaded_does_not_move_the_loader():
    loader, expected = made(Flaky(20), 2, shuffle=False), list(made(20, 2, shuffle=False))
    with pytest.raises(OSError, match="7"):
        list(loader)
    assert loader.step == 3
    loader.dataset.fails_at = None
    loader.load_state_dict(loader.state_dict())
    assert list(loader) == expected[3:]


def test_resuming_loads_nothing_that_was_handed_out_before():
    loader = made(1000, 10)
    state = loader.state_dict()
    for _ in range(90):
        state["step"] += 1
        state["batches"] += 1
    loader.load_state_dict(state)
    assert len(list(loader)) == len(made(1000, 10)) - 90
    assert loader.dataset.loaded == 100


def test_setting_the_epoch_that_is_resumed_does_not_begin_it_anew():
    loader, expected = made(20, 2), list(made(20, 2))
    handed_out(loader, 3)
    loader.load_state_dict(loader.state_dict())
    loader.set_epoch(0)
    assert list(loader) == expected[3:]
    broken_off = next(iter(loader))
    assert loader.epoch == 1
    loader.set_epoch(1)
    assert next(iter(loader)) == broken_off


def test_the_pass_that_was_at_its_end_when_it_was_saved_ends():
    loader = made(20, 2)
    for _ in loader:
        state = loader.state_dict()
    resumed = made(20, 2)
    resumed.load_state_dict(state)
    assert (len(resumed), resumed.epoch) == (0, 0)
    assert list(resumed) == []
    assert resumed.epoch == 1
    assert list(resumed) == list(loader)


@pytest.mark.parametrize(
    "meddle",
    [
        lambda loader: next(iter(loader)),
        lambda loader: loader.set_epoch(5),
        lambda loader: loader.load_state_dict(loader.state_dict()),
    ],
)
def test_a_pass_does_not_go_on_where_the_loader_was_moved(meddle):
    loader = made(20, 2)
    passing = iter(loader)
    next(passing)
    meddle(loader)
    with pytest.raises(LoaderError) as caught:
        next(passing)
    assert str(caught.value) == (
        "This pass over the loader is over: another pass, set_epoch or load_state_dict came in "
        "between. Call them before a pass, and make one pass at a time"
    )


def test_a_state_is_the_same_on_all_ranks_and_plain():
    loaders = ranks(2, dataset=40)
    for loader in loaders:
        handed_out(loader, 7)
    assert loaders[0].state_dict() == loaders[1].state_dict()
    assert loaders[0].state_dict() == {
        "epoch": 0,
        "step": 7,
        "batches": 7,
        "skipped": 0,
        "deal": {
            "batch_size": 2,
            "world_size": 2,
            "ranks_per_member": 1,
            "drop_last": False,
            "samples": 40,
            "shuffle": True,
            "seed": 0,
            "round_length": 4,
            "total_steps": None,
            "calibration": [],
            "accumulate": 1,
            "duty_cycle": 0.5,
        },
    }


def test_a_state_of_another_deal_is_refused():
    state = made(20, 2, rank=0, world_size=2).state_dict()
    other = made(
        21, 3, rank=0, world_size=2, round_length=5, duty_cycle=0.25, seed=1, shuffle=False,
        drop_last=True,
    )  # fmt: skip
    with pytest.raises(LoaderError) as caught:
        other.load_state_dict(state)
    assert str(caught.value) == (
        "The saved loader dealt otherwise: batch_size is 3 and was 2, drop_last is True and was "
        "False, samples is 21 and was 20, shuffle is False and was True, seed is 1 and was 0, "
        "round_length is 5 and was 4, duty_cycle is 0.25 and was 0.5. Make this one as that was; "
        "or begin an epoch instead, with first_step= and set_epoch()"
    )


def test_a_state_of_other_data_is_refused_with_another_number_of_ranks_too():
    state = made(20, 2, rank=0, world_size=2).state_dict()
    other = made(21, 3, rank=0, world_size=4, ranks_per_member=2, seed=1, shuffle=False)
    with pytest.raises(LoaderError) as caught:
        other.load_state_dict(state)
    assert str(caught.value).startswith(
        "The saved loader dealt otherwise: samples is 21 and was 20, shuffle is False and was "
        "True, seed is 1 and was 0. Make this one"
    )


def used_in(loaders, steps):
    """Return the samples of the first epoch that all ranks together use in a number of steps."""
    batches = [
        batch for loader in loaders for epoch, batch in handed_out(loader, steps) if not epoch
    ]
    return sorted({sample for batch in batches for sample in batch})


@pytest.mark.parametrize("sizes", [(4, 2), (2, 4), (4, 1), (1, 3)])
@pytest.mark.parametrize("steps", [1, 3, 4])  # the last one is in a competition
@pytest.mark.parametrize("kind", [range, Stream])
def test_other_ranks_go_on_with_the_samples_that_were_not_used(kind, sizes, steps):
    before, after, last = (ranks(size, dataset=kind(60)) for size in (*sizes, 5))
    used = used_in(before, steps)
    for loader in after:
        loader.load_state_dict(json.loads(json.dumps(before[0].state_dict())))
        assert (loader.epoch, loader.step) == (0, steps)
    used_next = used_in(after, 2)
    for loader in last:  # once more, which adds to what was skipped
        loader.load_state_dict(after[0].state_dict())
    rest = [[*loader] for loader in last]
    used_last = sorted({sample for batches in rest for batch in batches for sample in batch})
    assert sorted(used + used_next + used_last) == [*range(60)]
    assert {loader.epoch for loader in last} == {1}
    assert [loader.step for loader in last] == [steps + 2 + len(batches) for batches in rest]


@pytest.mark.parametrize("kind", [range, Stream])
def test_too_few_samples_for_more_ranks_end_the_epoch(kind):
    before, after = ranks(1, dataset=kind(60)), ranks(8, dataset=kind(60))
    handed_out(before[0], 28)  # 4 samples are left, and 8 ranks go on
    for loader in after:
        loader.load_state_dict(before[0].state_dict())
        assert [*loader] == []
        assert (loader.epoch, loader.step) == (1, 28)
        assert len(handed_out(loader, 1)) == 1
    assert {loader.step for loader in after} == {29}


def test_a_damaged_deal_of_other_ranks_is_refused():
    state = made(20, 2, rank=0, world_size=2).state_dict()
    other = made(20, 2, rank=0, world_size=4)
    for change in ({"batch_size": 0}, {"round_length": "5"}, {"duty_cycle": None}):
        with pytest.raises(LoaderError, match="This is not the state of a loader: "):
            other.load_state_dict(state | {"deal": state["deal"] | change})
    del state["deal"]["drop_last"]
    with pytest.raises(LoaderError, match="This is not the state of a loader: "):
        other.load_state_dict(state)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"deal": None}, "it has no 'deal'"),
        ({"step": -1}, "its 'step' is -1"),
        ({"epoch": "0"}, "its 'epoch' is '0'"),
        ({"batches": None}, "its 'batches' is None"),
        ({"batches": 9}, "batch 9 of an epoch, step 0"),
    ],
)
def test_a_damaged_state_is_refused(change, message):
    loader = made(20, 2)
    with pytest.raises(LoaderError) as caught:
        loader.load_state_dict(loader.state_dict() | change)
    assert str(caught.value) == f"This is not the state of a loader: {message}"


def test_torchs_own_generator_is_left_alone():
    before = torch.get_rng_state()
    list(made(20, 2))
    list(made(Stream(20), 2))
    assert torch.get_rng_state().equal(before)


def test_another_default_device_is_no_hindrance():
    expected = handed_out(made(20, 2), 30)
    torch.set_default_device("meta")
    try:
        assert handed_out(made(20, 2), 30) == expected
        assert handed_out(made(Stream(20), 2), 10)
    finally:
        torch.set_default_device(None)


class Dice(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.initial_seed() - get_worker_info().id


@WORKERS
def test_seeds_of_workers_follow_from_seed_epoch_and_rank():
    def seeds(epoch, rank=0, seed=0, batches=0):
        loader = made(Dice(), 2, rank=rank, world_size=2, seed=seed, num_workers=1)
        loader.set_epoch(epoch)
        handed_out(loader, batches)
        loader.load_state_dict(loader.state_dict())
        return {int(seed) for batch in loader for seed in batch}

    first = seeds(0)
    assert len(first) == 1
    assert seeds(0) == seeds(0, batches=1) == first
    assert len(first | seeds(1) | seeds(0, rank=1) | seeds(0, seed=1)) == 4


def test_options_reach_the_loader_of_torch():
    loader = clan_loader(Numbers(6), 3, round_length=4, duty_cycle=0.5, shuffle=False)
    assert [batch.tolist() for batch in loader] == [[0, 1, 2], [3, 4, 5]]
    stream = clan_loader(Stream(6), 3, round_length=4, duty_cycle=0.5)
    assert [batch.tolist() for batch in stream] == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        made(20, 2, colour="red")
    with pytest.raises(ValueError, match="prefetch_factor"):
        made(20, 2, prefetch_factor=2)


def test_what_workers_are_given_can_be_pickled():
    stream = made(Stream(6))._batches
    stream.place = stream.place.after_a_batch()
    copy = pickle.loads(pickle.dumps(stream))
    assert copy.place == stream.place
    assert list(copy) == [[2, 3], [4, 5]]


def test_a_stream_that_is_too_short_is_refused_when_it_has_ended():
    loader = made(Stream(3), rank=0, world_size=4)
    with pytest.raises(LoaderError) as caught:
        list(loader)
    assert str(caught.value) == (
        "The stream ended after 3 samples and needs at least 4: one for each rank (world_size is 4)"
    )


def test_a_stream_has_no_length():
    with pytest.raises(TypeError) as caught:
        len(made(Stream(20)))
    assert str(caught.value) == (
        "a stream has no length: where it ends shows when it has been read"
    )


def test_a_loader_says_where_it_is():
    loader = made(20, 2, rank=1, world_size=2)
    handed_out(loader, 3)
    assert repr(loader) == (
        "<ClanLoader of 20 samples: batch_size 2, rank 1 of 2, epoch 0, step 3 (competitive)>"
    )
    assert repr(made(Stream(20))) == (
        "<ClanLoader of a stream: batch_size 2, rank 0 of 1, epoch 0, step 0 (cooperative)>"
    )
    assert isinstance(loader, ClanLoader)
    assert (loader.batch_size, loader.dataset.samples) == (2, 20)
    assert loader.schedule == Schedule(4, 0.5)


def test_rank_and_world_size_are_those_of_the_process(monkeypatch, tmp_path):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert (made().rank, made().world_size) == (0, 1)
    monkeypatch.setenv("RANK", "2")
    assert (made().rank, made().world_size) == (2, 3)
    store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        assert (made().rank, made().world_size) == (0, 1)
        assert made(rank=1, world_size=2).rank == 1
    finally:
        torch.distributed.destroy_process_group()


NEEDS_A_SCHEDULE = (
    "The loader needs to know when members compete: give the clan's round_length= and "
    "duty_cycle=, or its schedule= instead of both; or use clan.loader(...)"
)
DEALT = (
    "which samples a batch holds follows from the number of its step, alike on all ranks; use "
    "shuffle= and seed=, or put the dataset in order"
)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"round_length": None}, NEEDS_A_SCHEDULE),
        ({"duty_cycle": None}, NEEDS_A_SCHEDULE),
        ({"schedule": Schedule(4, 0.5), "duty_cycle": 0.5}, NEEDS_A_SCHEDULE),
        ({"round_length": 0}, "round_length is a number of steps, 1 or more; got 0"),
        ({"batch_size": 0}, "batch_size is a number of samples, 1 or more; got 0"),
        ({"seed": -1}, "seed is a whole number, 0 or more; got -1"),
        ({"seed": "a"}, "seed is a whole number, 0 or more; got 'a'"),
        ({"first_step": -1}, "first_step is the number of a step, 0 or more; got -1"),
        ({"num_workers": -1}, "num_workers is a number of processes, 0 or more; got -1"),
        ({"rank": 0}, "rank= and world_size= are given together, or neither is"),
        ({"world_size": 2}, "rank= and world_size= are given together, or neither is"),
        ({"rank": 0, "world_size": 0}, "world_size is a number of ranks, 1 or more; got 0"),
        ({"rank": 2, "world_size": 2}, "rank is below world_size, which is 2; got 2"),
        ({"rank": -1, "world_size": 2}, "rank is the number of a rank, 0 or more; got -1"),
        (
            {"rank": 0, "world_size": 3, "ranks_per_member": 2},
            (
                "3 ranks cannot be members of 2 ranks each: world_size is a multiple of "
                "ranks_per_member"
            ),
        ),
        ({"sampler": range(20)}, f"A clan's loader takes no sampler=: {DEALT}"),
        ({"batch_sampler": [[0]]}, f"A clan's loader takes no batch_sampler=: {DEALT}"),
        (
            {"generator": torch.Generator()},
            (
                "A clan's loader takes no generator=: the orders and the seeds of workers follow "
                "from seed=, also after a resume"
            ),
        ),
        (
            {"in_order": False},
            "A clan's loader takes no in_order=False: a batch belongs to its step",
        ),
        (
            {"dataset": Stream(20), "shuffle": True},
            "A stream cannot be shuffled: its order is its own; leave shuffle= out",
        ),
        (
            {"dataset": Stream(20), "num_workers": 2},
            ("num_workers is 0 or 1 for a stream, since each worker would read all of it; got 2"),
        ),
    ],
)
def test_arguments_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ClanError) as caught:
        clan_loader(**{"dataset": Numbers(20), "round_length": 4, "duty_cycle": 0.5} | options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (
            Numbers(3),
            ("The dataset has 3 samples and needs at least 4: one for each rank (world_size is 4)"),
        ),
        (
            iter(range(20)),
            (
                "range_iterator is not a dataset: it needs __len__ and __getitem__, or, if it is a "
                "stream, torch.utils.data.IterableDataset as a base class"
            ),
        ),
    ],
)
def test_datasets_that_cannot_be_dealt_out_are_refused(dataset, message):
    with pytest.raises(LoaderError) as caught:
        made(dataset, rank=0, world_size=4)
    assert str(caught.value) == message


@pytest.mark.parametrize("dataset", [Numbers(50), Stream(50)])
def test_dropping_the_last_ends_an_epoch_at_a_step_that_is_not_full(dataset):
    loaders = ranks(
        3, dataset=dataset, batch_size=4, drop_last=True, round_length=3, duty_cycle=0.4
    )
    taken = windows(loaders, 1)
    assert [len(window) for window in taken] == [12, 12, 4, 12]
    assert all(len(batch) == 4 for loader in loaders for batch in loader)
