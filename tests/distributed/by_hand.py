"""Members of a small network, and their gradients by hand."""

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from clantune_clan import Communication, GenomeExpression, Individual, build_state
from clantune_core import Genome, LogFloatAllele

TIMEOUT = 20.0


def net(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 3))


def member(
    model, *, reduction="exact", round_length=4, duty_cycle=0.5, lr=0.1, channel=None, **options
):
    channel = channel or Communication(timeout=TIMEOUT)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    genome = GenomeExpression.set_allele(
        Genome(), "lr", LogFloatAllele(lr), path="optimizer/param_groups/0/lr"
    )
    if reduction == "ddp" and not isinstance(model, DistributedDataParallel):
        model = in_small_buckets(model)
    state = build_state(genome, model, optimizer, channel, reduction=reduction)
    return Individual(state, channel, round_length, duty_cycle, **options)


def batch(rank, step):
    generator = torch.Generator().manual_seed(1000 * step + rank)
    return torch.randn(5, 6, generator=generator), torch.randint(0, 3, (5,), generator=generator)


def own_gradients(model, rank, steps):
    """The gradient of one rank's batches by hand, on a copy that nobody hooks into."""
    twin = twin_of(model)
    for step in steps:
        x, y = batch(rank, step)
        nn.functional.cross_entropy(twin(x), y).backward()
    return [p.grad.clone() for p in twin.parameters()]


def error(model, wanted):
    return max(
        float((p.grad - w).abs().max()) for p, w in zip(model.parameters(), wanted, strict=True)
    )


def twin_of(model):
    """A copy that nobody hooks into, in the same state."""
    twin = net()
    twin.load_state_dict(model.state_dict())
    return twin


def mean_over(gradients, count, *, ranks=None):
    """The mean over some of the ranks; None: over all of them."""
    means = []
    for gradient in gradients:
        every = [torch.empty_like(gradient) for _ in range(count)]
        dist.all_gather(every, gradient)
        means.append(torch.stack([every[rank] for rank in ranks or range(count)]).mean(0))
    return means


def mean_by_hand(model, steps, size):
    """The mean of what each rank finds with its own weights and buffers."""
    return mean_over(own_gradients(model, dist.get_rank(), steps), size)


def in_small_buckets(model, **options):
    """Wrap a small model so that it has several buckets."""
    return DistributedDataParallel(model, bucket_cap_mb=32 / 2**20, **options)
