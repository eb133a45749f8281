"""Loops without bookkeeping: rounds, batches, and how long a run is."""

import pytest
import torch
from small_clans import X, Y, clan, loss, take_step

from clantune_clan import ClanError, LoaderError

DATA = torch.utils.data.TensorDataset(X, Y)


def run(it, loader):
    """Return how many batches each round had."""
    lengths = []
    for member in it.rounds():
        count = 0
        for batch, targets in member.batches(loader):
            (member.model(batch) - targets).square().mean().backward()
            member.optimizer.step()
            member.optimizer.zero_grad()
            count += 1
        it.step(loss)
        lengths.append(count)
    return lengths


def test_a_loop_over_rounds_and_batches_trains_to_the_end():
    it = clan(total_steps=20, round_length=6)
    assert run(it, it.loader(DATA, 16)) == [6, 6, 8]
    assert it.finished


def test_rounds_go_through_an_epoch_without_beginning_it_anew():
    it = clan(total_steps=8, round_length=2, duty_cycle=0.0)
    seen = []
    loader = torch.utils.data.DataLoader(range(64), batch_size=16)  # four batches
    for member in it.rounds():
        for batch in member.batches(loader):
            seen += batch.tolist()
            take_step(member.model, member.optimizer)
        it.step(loss)
    assert seen == [*range(64)] * 2


def test_a_sampler_with_epochs_learns_of_each():
    epochs = []

    class Sampler(torch.utils.data.SequentialSampler):
        def set_epoch(self, epoch):
            epochs.append(epoch)

    it = clan(total_steps=8, round_length=4)
    loader = torch.utils.data.DataLoader(DATA, batch_size=16, sampler=Sampler(DATA))
    run(it, loader)
    assert epochs == [0, 1]


def test_a_run_of_unknown_length_ends_with_break():
    it = clan(round_length=4)
    loader = it.loader(DATA, 16)
    for number, member in enumerate(it.rounds(), start=1):
        for _ in member.batches(loader):
            take_step(member.model, member.optimizer)
        it.step(loss)
        if number == 3:
            break
    assert it.run_state.step == 12


def test_a_loader_that_cannot_be_read_again_is_named():
    it = clan(total_steps=8, round_length=8)
    with pytest.raises(LoaderError) as raised:
        run(it, iter([(X, Y)] * 3))
    assert str(raised.value) == (
        "the loader has no batch for this step, after 3 in all: give member.batches(...) a loader "
        "that can be read again and again, such as clan.loader(...) or a DataLoader, not a "
        "generator"
    )


def test_a_loop_without_steps_is_an_error_when_the_loader_is_read_again():
    it = clan(total_steps=8)
    loader = it.loader(DATA, 16)
    it.round()
    assert len([*loader]) == 4
    with pytest.raises(LoaderError) as raised:
        next(iter(loader))
    assert str(raised.value) == (
        "the last pass over this loader gave 4 batches, and the member has made no step with "
        "them: call member.step() after each batch, or take the batches from "
        "member.batches(loader), which does so"
    )


# ---- The length of a run ----


def test_epochs_with_their_steps_give_the_length():
    it = clan(epochs=3, steps_per_epoch=7, round_length=None)
    assert it.settings.total_steps == 21


@pytest.mark.parametrize("duty_cycle", [0.0, 0.3])
def test_the_loader_tells_the_clan_how_long_its_epochs_are(duty_cycle):
    it = clan(round_length=None, duty_cycle=duty_cycle)
    loader = it.loader(DATA, 8, epochs=3)
    total = it.settings.total_steps
    assert sum(run(it, loader)) == total == 24
    assert loader.step == 24


def test_epochs_without_their_steps_wait_for_the_loader():
    it = clan(epochs=2, round_length=None)
    with pytest.raises(ClanError) as raised:
        it.round()
    assert str(raised.value) == (
        "epochs= needs to know how long one is: make the loader with clan.loader(...) before the "
        "first round, or give steps_per_epoch="
    )
    it = clan(epochs=2, round_length=None)
    run(it, it.loader(DATA, 8))
    assert it.run_state.step == 16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"total_steps": 8, "epochs": 2},
            "give total_steps=, or epochs= and steps_per_epoch=, not both",
        ),
        ({"steps_per_epoch": 2}, "steps_per_epoch= needs epochs=, the number of them"),
        ({"epochs": 0}, "epochs is a whole number, 1 or more; got 0"),
        ({"total_steps": 2.5}, "total_steps is a whole number, 1 or more; got 2.5"),
    ],
)
def test_lengths_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ClanError) as raised:
        clan(**options)
    assert str(raised.value) == message


def test_a_known_length_leaves_loaders_alone():
    it = clan(epochs=3, steps_per_epoch=7, round_length=None)
    it.loader(DATA, 16)
    it.loader(range(10), 2)
    assert it.settings.total_steps == 21


def test_the_length_of_a_run_that_has_begun_is_settled():
    it = clan()
    it.round()
    with pytest.raises(ClanError, match="this one has begun already"):
        it.loader(DATA, 16, epochs=3)


def test_a_length_is_given_once():
    it = clan(total_steps=8)
    with pytest.raises(ClanError) as raised:
        it.loader(DATA, 16, epochs=3)
    assert str(raised.value) == (
        "clan.loader(..., epochs=) means a run of 12 steps, and this one is to make 8: give the "
        "length of a run once, before its first round"
    )
