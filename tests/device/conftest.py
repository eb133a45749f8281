"""Where the tests of this folder run: on the CPU everywhere, and on the GPUs that there are."""

import pytest
import torch
from ranks import ranks_of_a_pool

GPUS = torch.cuda.device_count()


def _place(name, gpus):
    reason = f"takes {name}" if GPUS else "there is no GPU"
    return pytest.param(name, marks=[] if gpus <= GPUS else pytest.mark.skip(reason))


@pytest.fixture(scope="session")
def ranks():
    """Ranks by their number, in processes that all tests share."""
    yield from ranks_of_a_pool()


# On the CPU as well, so that the tests are tested everywhere.
@pytest.fixture(params=[_place("the CPU", 0), _place("one GPU", 1), _place("two GPUs", 2)])
def two_ranks(request, ranks):
    """Two ranks that call a function with the name of the place: on two GPUs they use NCCL."""
    backend = "cpu:gloo,cuda:nccl" if request.param == "two GPUs" else "gloo"
    return lambda function, *arguments: ranks(2, backend).run(function, request.param, *arguments)
