"""The gene for the number of backward passes, in passes and in samples."""

import pytest
import torch
from torch import nn

from clantune_autobind import batch_size, gradient_accumulation
from clantune_core import ClanTuneError, IntAllele


@pytest.fixture
def model():
    return nn.Linear(2, 1)


def test_it_is_read_by_name_and_written_nowhere(model):
    optimizer = torch.optim.SGD(model.parameters())
    assert gradient_accumulation(model, optimizer) == {
        "num_grad_accum": IntAllele(
            1,
            (1, 64),
            metadata={
                "expression": {
                    "path": {},
                    "is_cooperative": False,
                    "is_competitive": True,
                    "is_patchable": False,
                    "role": "gradient_accumulation",
                }
            },
        )
    }


def test_it_begins_and_ends_where_it_is_told(model):
    optimizer = torch.optim.SGD(model.parameters())
    gene = gradient_accumulation(model, optimizer, start=4, largest=8)["num_grad_accum"]
    assert (gene.value, gene.domain) == (4, (1, 8))
    assert (gene.can_mutate, gene.can_crossbreed) == (True, True)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"start": 0}, "start must be a number of backward passes, 1 or more; got 0"),
        ({"start": 2.5}, "start must be a number of backward passes, 1 or more; got 2.5"),
        ({"start": True}, "start must be a number of backward passes, 1 or more; got True"),
        ({"largest": 0}, "largest must be a number of backward passes, 1 or more; got 0"),
        ({"start": 65}, "start must be at most largest (64); got 65"),
    ],
)
def test_wrong_numbers_are_refused(options, problem, model):
    optimizer = torch.optim.SGD(model.parameters())
    with pytest.raises(ClanTuneError) as caught:
        gradient_accumulation(model, optimizer, **options)
    assert str(caught.value) == f"gradient_accumulation: {problem}"


# ---- In samples ----


def samples(model, **options):
    optimizer = torch.optim.SGD(model.parameters())
    return batch_size(model, optimizer, **options)


def test_a_batch_size_is_a_number_of_micro_batches(model):
    genes = samples(model, micro_batch=32, start=128, largest=1024)
    optimizer = torch.optim.SGD(model.parameters())
    assert genes == gradient_accumulation(model, optimizer, start=4, largest=32)


def test_a_batch_size_begins_at_one_micro_batch(model):
    gene = samples(model, micro_batch=32)["num_grad_accum"]
    assert (gene.value, gene.domain) == (1, (1, 64))
    large = samples(model, micro_batch=2, start=200)["num_grad_accum"]
    assert (large.value, large.domain) == (100, (1, 100))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "micro_batch must be a number of samples, 1 or more; got None"),
        ({"micro_batch": 0}, "micro_batch must be a number of samples, 1 or more; got 0"),
        (
            {"micro_batch": 8, "start": 20},
            "start must be a multiple of micro_batch (8); got 20",
        ),
        (
            {"micro_batch": 8, "largest": 20},
            "largest must be a multiple of micro_batch (8); got 20",
        ),
        (
            {"micro_batch": 8, "start": 32, "largest": 16},
            "start must be at most largest (16); got 32",
        ),
        ({"micro_batch": 8, "start": -8}, "start must be a number of samples, 1 or more; got -8"),
    ],
)
def test_wrong_batch_sizes_are_refused(options, problem, model):
    with pytest.raises(ClanTuneError) as caught:
        samples(model, **options)
    assert str(caught.value) == f"batch_size: {problem}"
