"""A `DataLoader` that a script has made, in the place of a dataset."""

import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    IterableDataset,
    SequentialSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from clantune_clan import Clan, ClanError

DATA = TensorDataset(torch.arange(12.0))


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(8))


def batches_of(given, **options):
    with Clan(total_steps=8, round_length=4, duty_cycle=0.5) as clan:
        return [[*torch.as_tensor(x).tolist()] for (x,) in clan.loader(given, **options)]


@pytest.mark.parametrize(
    ("loader", "wanted"),
    [
        (DataLoader(DATA, batch_size=4), [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]),
        (DataLoader(DATA, batch_size=5, drop_last=True), [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]),
        (DataLoader(DATA, 6, sampler=DistributedSampler(DATA, 2, 0, shuffle=False)), 2),
    ],
)
def test_samples_and_sizes_of_batches_are_taken_over(loader, wanted):
    found = batches_of(loader)
    assert (found if isinstance(wanted, list) else len(found)) == wanted


def test_a_shuffled_loader_is_shuffled_by_the_clan():
    found = [x for batch in batches_of(DataLoader(DATA, 4, shuffle=True)) for x in batch]
    assert sorted(found) == [*range(12)] != found


def test_options_are_taken_over():
    loader = DataLoader(
        DATA, 4, collate_fn=lambda samples: [torch.stack([x for (x,) in samples]) * 10]
    )
    assert batches_of(loader)[0] == [0, 10, 20, 30]


def test_the_batch_size_may_be_another_and_a_stream_is_read():
    assert batches_of(DataLoader(DATA, batch_size=4), batch_size=6)[0] == [0, 1, 2, 3, 4, 5]
    with Clan(total_steps=8, round_length=4) as clan:
        found = [batch.tolist() for batch in clan.loader(DataLoader(Stream(), batch_size=4))]
    assert found == [[0, 1, 2, 3], [4, 5, 6, 7]]


class OddBatches(BatchSampler):
    """Batches of a size of their own."""


READ_IT = (
    "; or read this loader in the script itself, and members have no common window of data when "
    "they compete"
)
BY_STEP = "and a clan deals samples by the number of the step, alike on all ranks:"


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        (
            DataLoader(DATA, 4, sampler=WeightedRandomSampler([1.0] * 12, 12)),
            (
                f"the DataLoader draws samples by a WeightedRandomSampler, {BY_STEP} use shuffle= "
                f"instead{READ_IT}"
            ),
        ),
        (
            DataLoader(DATA, batch_sampler=OddBatches(SequentialSampler(DATA), 3, False)),
            (
                f"the DataLoader makes batches by a OddBatches, {BY_STEP} give it batch_size= "
                f"instead{READ_IT}"
            ),
        ),
        (
            DataLoader(Stream(), batch_size=None),
            (
                "the DataLoader has batch_size=None, and a clan makes batches itself: give it a "
                f"batch_size and a dataset of samples{READ_IT}"
            ),
        ),
    ],
)
def test_an_order_that_a_clan_cannot_keep_is_refused(loader, message):
    with Clan(total_steps=8) as clan, pytest.raises(ClanError) as raised:
        clan.loader(loader)
    assert str(raised.value) == message
