"""Clipping in a loop, between the backward pass and the step: of averaged gradients."""

import pytest
import torch
import torch.distributed as dist
from by_hand import in_small_buckets, mean_over, member
from torch import nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_


def model_of(width):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())


def batch(step):
    generator = torch.Generator().manual_seed(10 * step + dist.get_rank())
    return torch.randn(5, 6, generator=generator)


def loss_of(model, x):
    return model(x).square().sum() * (1.0 + dist.get_rank())


CLIPS = {
    "norm": lambda parameters: float(clip_grad_norm_(parameters, 0.5)),
    "largest value": lambda parameters: float(clip_grad_norm_(parameters, 0.01, torch.inf)),
    "value": lambda parameters: clip_grad_value_(parameters, 0.01),
}


def clipped(reduction, width, clip, zeroes):
    """Return by phase the norm before clipping and the largest error, both against by hand."""
    model, twin = model_of(width), model_of(width)
    given = in_small_buckets(model) if reduction == "auto, wrapped" else model
    individual = member(given, reduction=reduction.partition(",")[0])
    found = []
    while not individual.done:
        x = batch(individual.steps_done)
        twin.load_state_dict(model.state_dict())
        twin.zero_grad()
        loss_of(twin, x).backward()
        if individual.mode == "cooperative":
            own = [p.grad for p in twin.parameters()]
            for p, mean in zip(
                twin.parameters(), mean_over(own, dist.get_world_size()), strict=True
            ):
                p.grad = mean
        if zeroes == "before":
            individual.optimizer.zero_grad()
        loss_of(individual.model, x).backward()
        norms = CLIPS[clip](individual.model.parameters()), CLIPS[clip](twin.parameters())
        pairs = [*zip(model.parameters(), twin.parameters(), strict=True)]
        off = max(float((p.grad - t.grad).abs().max()) for p, t in pairs)
        largest = max(float(t.grad.abs().max()) for t in twin.parameters())
        found.append((individual.mode, norms, off, largest))
        individual.optimizer.step()
        for p, t in pairs:  # what the step has used
            off = float((p.detach() - (t.detach() - 0.1 * t.grad)).abs().max())
            assert off < 1e-6
        if zeroes == "after":
            individual.optimizer.zero_grad()
        individual.step()
    return found


@pytest.mark.parametrize(
    ("reduction", "width"),
    [
        ("exact", 8),
        ("ddp", 8),
        ("auto", 8),
        ("auto, wrapped", 8),
        ("auto", 600),  # more than a MiB of gradients
    ],
)
@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("zeroes", ["before", "after"])
def test_clipping_sees_averaged_gradients(ranks, reduction, width, clip, zeroes):
    answers = ranks(2).run(clipped, reduction, width, clip, zeroes)
    for found in answers:
        assert [mode for mode, *_ in found] == ["cooperative"] * 2 + ["competitive"] * 2
        for _, (norm, wanted), off, largest in found:
            if clip != "value":
                assert norm == pytest.approx(wanted, rel=1e-5)
                assert norm > 0.5  # so it does clip
            assert off < 1e-6
            assert largest <= (0.5 if clip == "norm" else 0.0100001)
    if clip != "value":
        norms = [[norm for _, (norm, _), *_ in found] for found in answers]
        assert norms[0][:2] == norms[1][:2]  # one mean for all
        assert norms[0][2:] != norms[1][2:]
