"""The weights of a lineage are the same bits wherever they are replayed."""

import pytest
import torch

from clantune_neuro import Nursery
from clantune_neuro.noise.sources import TorchSource
from clantune_neuro.selftest.hashes import BLUEPRINTS, CASES, HASHES, hash_of

PLACES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
    ),
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("size", "name"), CASES)
def test_a_device_gives_the_committed_hashes(place, size, name):
    device = torch.device(place)
    nursery = Nursery(BLUEPRINTS[size], cap=0, device=device, source=TorchSource(device))
    assert hash_of(size, name, nursery) == HASHES[size, name]
