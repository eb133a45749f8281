"""Gradients: the mean of the members' own in cooperation, each one's own in competition."""

import contextlib
import gc
import math
import weakref

import pytest
import torch
import torch.distributed as dist
from by_hand import (
    TIMEOUT,
    batch,
    error,
    in_small_buckets,
    mean_by_hand,
    mean_over,
    member,
    net,
    own_gradients,
    twin_of,
)
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

from clantune_clan import Communication, GenomeExpression, Individual
from clantune_clan.unwrapping import bare_module
from clantune_core import IntAllele

REDUCTIONS = ("exact", "ddp")

ORDERS = {
    "zeroed first": {},  # as in the tutorial of PyTorch
    "zeroed first, in place": {"set_to_none": False},
}


def in_both_phases(reduction, style):
    """Return by phase how far the gradients are from those by hand."""
    rank, size = dist.get_rank(), dist.get_world_size()
    model = net()
    individual = member(model, reduction=reduction)
    errors = {"cooperative": [], "competitive": []}
    zeroes_first = ORDERS.get(style)
    while not individual.done:
        mode, step = individual.mode, individual.steps_done
        if zeroes_first is not None:
            individual.optimizer.zero_grad(**zeroes_first)
        steps = [3 * step, 3 * step + 1, 3 * step + 2] if style == "accumulated" else [3 * step]
        wanted = (
            mean_by_hand(model, steps, size)
            if mode == "cooperative"
            else own_gradients(model, rank, steps)
        )
        for micro in steps:
            x, y = batch(rank, micro)
            if style == "forward inside":
                with individual.sync_context():
                    nn.functional.cross_entropy(individual.model(x), y).backward()
            elif style in ("forward outside", "accumulated"):
                loss = nn.functional.cross_entropy(individual.model(x), y)
                with individual.sync_context():
                    loss.backward()
            else:
                nn.functional.cross_entropy(individual.model(x), y).backward()
        errors[mode].append(error(model, wanted))
        individual.optimizer.step()
        if zeroes_first is None:
            individual.optimizer.zero_grad()
        individual.step()
    return errors


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    "style", ["forward inside", "forward outside", "no context", "accumulated", *ORDERS]
)
def test_cooperation_averages_and_competition_does_not(ranks, count, reduction, style):
    for errors in ranks(count).run(in_both_phases, reduction, style):
        assert len(errors["cooperative"]) == len(errors["competitive"]) == 2
        assert max(errors["cooperative"]) < 1e-6
        assert max(errors["competitive"]) < 1e-6


def accumulated_over_rounds(reduction, sizes, duty_cycle):
    """Train by windows that do not fit in the phases of two rounds; return what was found."""
    rank, count = dist.get_rank(), dist.get_world_size()
    model, channel = net(), Communication(timeout=TIMEOUT)
    rounds = {"channel": channel, "round_length": 10, "duty_cycle": duty_cycle}
    individual = member(model, reduction=reduction, **rounds)
    state, size, modes, errors, step = individual._state, sizes[rank], [], [], 0
    while True:
        mode = individual.mode
        if step % size == 0:
            own, window = twin_of(model), []
        x, y = batch(rank, step)
        own.zero_grad()
        nn.functional.cross_entropy(own(x), y).backward()
        mine = [p.grad.clone() for p in own.parameters()]
        window.append(mine if mode == "competitive" else mean_over(mine, count))
        nn.functional.cross_entropy(individual.model(x), y).backward()
        step += 1
        if step % size == 0:
            errors.append(error(model, [sum(parts) for parts in zip(*window, strict=True)]))
            individual.optimizer.step()
            individual.optimizer.zero_grad()
        modes.append(mode)
        individual.step()
        if individual.done and individual.steps_done >= 20:
            return "".join(mode[:3] for mode in modes), max(errors)
        if individual.done:
            late = individual.steps_done - 10
            individual = Individual(state, channel, 10, duty_cycle, first_step=10 + late, late=late)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("sizes", "duty_cycle", "phases"),
    [
        # Rounds of 10, half of them competitive: phases are due after 5, 10, 15 and 20 steps.
        ((4, 4, 4), 0.5, "coo" * 8 + "com" * 4 + "coo" * 4 + "com" * 4),
        ((3, 3, 3), 0.5, "coo" * 6 + "com" * 6 + "coo" * 3 + "com" * 6),
        ((1, 4, 2), 1.0, "com" * 20),  # the ranks with short windows go on too
    ],
)
def test_accumulation_makes_a_phase_longer_on_all_ranks_alike(
    ranks, reduction, sizes, duty_cycle, phases
):
    for found, off in ranks(3).run(accumulated_over_rounds, reduction, sizes, duty_cycle):
        assert found == phases
        assert off < 1e-6


class TwoWays(nn.Module):
    """A model that takes one of two ways, so that not every parameter gets a gradient."""

    def __init__(self):
        super().__init__()
        self.shared, self.left, self.right = nn.Linear(4, 4), nn.Linear(4, 1), nn.Linear(4, 1)
        self.never = nn.Parameter(torch.ones(3))

    def forward(self, x, way):
        return getattr(self, way)(self.shared(x)).sum()


def on_two_ways(reduction):
    model = TwoWays()
    if reduction == "ddp":
        model = in_small_buckets(model, find_unused_parameters=True)
    individual = member(model, reduction=reduction, round_length=4, duty_cycle=0.0)
    way = "left" if dist.get_rank() else "right"
    seen = []
    for _ in range(3):
        x = torch.ones(2, 4)
        individual.model(x, way).backward()
        model = bare_module(individual.model)
        seen.append(
            (model.left.weight.grad.clone(), model.right.weight.grad.clone(), model.never.grad)
        )
        individual.optimizer.zero_grad()
        individual.step()
    return [(left.tolist(), right.tolist(), never) for left, right, never in seen]


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_who_has_no_gradient_counts_as_zero_and_what_nobody_uses_has_none(ranks, reduction):
    answers = ranks(3).run(on_two_ways, reduction)
    assert answers[0] == answers[1] == answers[2]  # also those that went the other way
    for left, right, never in answers[0]:
        ratio = torch.tensor(left) / torch.tensor(right)
        assert torch.allclose(ratio, torch.tensor(2.0))  # two ranks went left, and one right
        assert never is None


def passes_of_several_kinds():
    """Two passes in a step; passes that are not averaged; one that fails half-way."""
    individual = member(nn.Linear(2, 1), round_length=9, duty_cycle=0.0)
    model, rank = individual.model, dist.get_rank()
    own = torch.tensor([[1.0 + rank, 2.0]])
    model(own).backward()
    model(own).backward()
    twice = model.weight.grad.tolist()
    individual.optimizer.zero_grad()
    for _ in range(2):
        with individual.sync_context(sync=False):
            model(own).backward()
    alone = model.weight.grad.tolist()
    with individual.sync_context():
        model(own).backward()
    together = model.weight.grad.tolist()
    individual.optimizer.zero_grad()
    with contextlib.suppress(ArithmeticError):
        failing = Failing.apply(model.weight)
        nn.functional.linear(own, failing, model.bias).backward()  # the bias has its gradient then
    model.zero_grad()
    model(own).backward()
    return twice, alone, together, model.weight.grad.tolist()


def that_are_never_averaged(reduction):
    individual = member(nn.Linear(2, 1), reduction=reduction, duty_cycle=0.0)
    with individual.sync_context(sync=False):
        individual.model(torch.ones(1, 2)).sum().backward()
    individual.optimizer.step()


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_step_after_passes_that_were_all_held_back_is_an_error(ranks, reduction):
    for raised in ranks(2).fail(that_are_never_averaged, reduction):
        assert (raised.kind, raised.message) == (
            "GradientError",
            (
                "the optimizer takes step 0 with gradients of passes inside "
                "sync_context(sync=False) alone, so members would drift apart: let the last "
                "backward pass before a step average them"
            ),
        )


class Failing(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        raise ArithmeticError


def test_several_passes_add_up(ranks):
    answers = ranks(3).run(passes_of_several_kinds)
    for rank, (twice, alone, together, after) in enumerate(answers):
        mean = 2.0  # of 1, 2 and 3
        assert twice == [[2 * mean, 4.0]]
        assert alone == [[2 * (1.0 + rank), 4.0]]
        assert together == [[3 * mean, 6.0]]
        assert after == [[mean, 2.0]]


def with_one_that_explodes(reduction, what, exploded):
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1))
    individual = member(model, reduction=reduction, round_length=2, duty_cycle=0.0)
    x = torch.full((1, 4), 1.0 + dist.get_rank())
    individual.model(x).sum().backward()  # DistributedDataParallel makes its buckets after it
    individual.optimizer.zero_grad()
    loss = individual.model(x).sum()
    if dist.get_rank() in exploded:
        if what == "loss":
            loss = loss * math.inf
        else:
            part = model[0] if what == "parts" and dist.get_rank() else model[1]
            part.weight.register_hook(lambda gradient: gradient * math.inf)
    loss.backward()
    gradient = model[0].bias.grad, model[0].weight.grad, model[1].weight.grad
    gradients = individual._transitions.gradients
    return (
        [None if g is None else g.tolist() for g in gradient],
        (gradients.averaged, gradients.left_out, gradients.skipped),
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_member_whose_gradient_is_not_finite_is_left_out(ranks, reduction):
    answers = ranks(4).run(with_one_that_explodes, reduction, "loss", {1})
    assert all(gradient == answers[0][0] for gradient, _ in answers)
    bias, weight, _ = answers[0][0]
    ratio = torch.tensor(weight) / torch.tensor(bias)[:, None]
    assert torch.allclose(ratio, torch.tensor((1.0 + 3.0 + 4.0) / 3))  # without rank 1, whose is 2
    assert [counts for _, counts in answers] == [(2, 0, 0), (2, 1, 0), (2, 0, 0), (2, 0, 0)]


def test_exact_reduction_leaves_out_the_whole_member_if_one_part_is_not_finite(ranks):
    answers = ranks(3).run(with_one_that_explodes, "exact", "part", {2})
    bias, weight, _ = answers[0][0]
    ratio = torch.tensor(weight) / torch.tensor(bias)[:, None]
    assert torch.allclose(ratio, torch.tensor(1.5))
    assert [counts for _, counts in answers] == [(2, 0, 0), (2, 0, 0), (2, 1, 0)]


@pytest.mark.parametrize(
    ("reduction", "what", "exploded", "left_out"),
    [
        ("ddp", "part", {2}, [0, 0, 1]),  # its other parts have gone by then
        ("exact", "loss", {0, 1, 2}, [1, 1, 1]),
        ("ddp", "loss", {0, 1, 2}, [1, 1, 1]),
        ("ddp", "parts", {0, 1}, [1, 1, 0]),  # as many ranks are finite in each part
    ],
)
def test_all_skip_a_step_that_has_no_mean(ranks, reduction, what, exploded, left_out):
    answers = ranks(3).run(with_one_that_explodes, reduction, what, exploded)
    assert [gradient for gradient, _ in answers] == [[None, None, None]] * 3
    assert [counts for _, counts in answers] == [(2, out, 1) for out in left_out]


def buffers_of_batch_norm():
    individual = member(net(), duty_cycle=0.5)
    while not individual.done:
        x, y = batch(dist.get_rank(), individual.steps_done)
        nn.functional.cross_entropy(individual.model(x), y).backward()
        individual.optimizer.step()
        individual.optimizer.zero_grad()
        individual.step()
    return individual.model[1].running_mean.tolist()


def test_buffers_of_batch_norm_stay_each_members_own(ranks):
    first, second = ranks(2).run(buffers_of_batch_norm)
    assert first != second


def in_half_clans(reduction, sides):
    side, model = sides[dist.get_rank()], nn.Linear(1, 1)
    individual = member(model, reduction=reduction, half_clan=side, round_length=2, duty_cycle=0.0)
    individual.model(torch.tensor([[1.0 + dist.get_rank()]])).backward()
    return model.weight.grad.item()


@pytest.mark.parametrize(
    ("sides", "means"),
    [
        ([True, False, True, False], [2.0, 3.0, 2.0, 3.0]),
        ([True, True, True, False], [2.0, 2.0, 2.0, 4.0]),
        ([True, True, True, True], [2.5] * 4),
    ],
)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_half_clans_average_within_their_side(ranks, reduction, sides, means):
    assert ranks(4).run(in_half_clans, reduction, sides) == means


def wrapped():
    """The same training, bare and wrapped by the user."""
    weights = []
    for wrap in (
        lambda model: model,
        lambda m: DistributedDataParallel(m, forward_sync_buffers=False),
    ):
        model = wrap(net())
        individual = member(model)
        while not individual.done:
            x, y = batch(dist.get_rank(), individual.steps_done)
            nn.functional.cross_entropy(individual.model(x), y).backward()
            individual.optimizer.step()
            individual.optimizer.zero_grad()
            individual.step()
        assert individual.model is model
        weights.append(torch.cat([t.flatten() for t in model.state_dict().values()]))
    return torch.equal(*weights)


def test_exact_reduction_of_a_model_that_comes_wrapped_trains_the_same(ranks):
    assert ranks(3).run(wrapped) == [True, True, True]


def with_accumulation_of_their_own():
    """Members accumulate over 1, 2 and 3 batches: over the mean of 2 while they cooperate."""
    size = dist.get_rank() + 1
    model = nn.Linear(2, 1)
    individual = member(model, round_length=24, duty_cycle=0.5)
    genome = GenomeExpression.set_allele(
        individual.genome,
        "num_grad_accum",
        IntAllele(size, (1, 8)),
        is_cooperative=False,
        role="gradient_accumulation",
    )
    individual._state.genome = genome
    individual.express()
    sizes, waiting, steps = [], 0, 0
    while not individual.done:
        num_grad_accum = individual.get_gene("num_grad_accum")
        sizes.append(num_grad_accum)
        loss = individual.model(torch.ones(1, 2)).sum() / num_grad_accum
        with individual.sync_context():
            loss.backward()
        waiting += 1
        if waiting >= num_grad_accum:
            individual.optimizer.step()
            individual.optimizer.zero_grad()
            waiting, steps = 0, steps + 1
        individual.step()
    return sizes, steps, individual._transitions.gradients.averaged


def test_as_many_passes_are_averaged_on_all_ranks_whatever_they_accumulate(ranks):
    answers = ranks(3).run(with_accumulation_of_their_own)
    assert [averaged for _, _, averaged in answers] == [12, 12, 12]
    assert [sizes[:12] for sizes, _, _ in answers] == [[2] * 12] * 3
    assert [sizes[12:] for sizes, _, _ in answers] == [[1] * 12, [2] * 12, [3] * 12]
    assert [steps for _, steps, _ in answers] == [6 + 12, 6 + 6, 6 + 4]


def with_hooks_and_checkpoints(what):
    individual = member(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1)), round_length=2)
    model, x = individual.model, torch.ones(1, 2, requires_grad=True)
    if what == "reentrant":
        checkpoint(model[0], x, use_reentrant=True).sum().add(model[1](x).sum()).backward()
    elif what == "late hook":
        model[0].weight.register_post_accumulate_grad_hook(lambda p: None)
        individual.step()
        individual.step()
    elif what == "graph":
        model(x).sum().backward(create_graph=True)
    elif what == "second state":
        member(model)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (
            "reentrant",
            (
                "one backward pass ran inside another, and ended it too early: use "
                "torch.utils.checkpoint.checkpoint(..., use_reentrant=False)"
            ),
        ),
        (
            "late hook",
            (
                "a hook was registered by register_post_accumulate_grad_hook after the member "
                "was set "
                "up; it sees gradients before they are averaged: an optimizer that steps inside "
                "the "
                "backward pass does not go with a clan"
            ),
        ),
        (
            "graph",
            (
                "a gradient that was made with create_graph=True cannot be averaged, since no "
                "gradient "
                "passes through an average; for a penalty on it take it by torch.autograd.grad(...)"
            ),
        ),
        (
            "second state",
            (
                "the gradients of this model are averaged by another clan already, which would "
                "divide them twice; close that one first: clan.close()"
            ),
        ),
    ],
)
def test_what_would_be_averaged_wrongly_is_refused(ranks, what, message):
    for raised in ranks(2).fail(with_hooks_and_checkpoints, what):
        assert (raised.kind, raised.message) == ("GradientError", message)


def one_after_another():
    """States come and go, and leave nothing behind."""
    model = nn.Linear(2, 1)
    for _ in range(3):
        individual = member(model)
        held = weakref.ref(individual._transitions.gradients)
        individual.model(torch.tensor([[1.0 + dist.get_rank(), 2.0]])).backward()
        gradient = model.weight.grad.tolist()
        model.zero_grad()
        del individual
        gc.collect()
        assert held() is None
    return gradient


def test_a_state_that_is_gone_lets_go_of_the_model(ranks):
    assert ranks(2).run(one_after_another) == [[[1.5, 2.0]]] * 2
