"""The reduction "ddp": a communication hook in the wrapper of the user, or in one of the clan."""

import contextlib
import copy

import pytest
import torch
import torch.distributed as dist
from by_hand import batch, error, in_small_buckets, mean_by_hand, member, net, own_gradients
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.nn.parallel import DistributedDataParallel

from clantune_clan import Communication, build_state
from clantune_core import Genome

OPTIONS = {
    "as it comes": {},
    "unused parameters": {"find_unused_parameters": True},
    "a static graph": {"static_graph": True},
    "bucket views": {"gradient_as_bucket_view": True},
    "no buffers": {"forward_sync_buffers": False},
}

FORMS = {
    "bare": lambda model: model,
    **{name: lambda m, o=options: in_small_buckets(m, **o) for name, options in OPTIONS.items()},
    "compiled inside": lambda m: DistributedDataParallel(torch.compile(m, backend="eager")),
    "compiled outside": lambda m: torch.compile(DistributedDataParallel(m), backend="eager"),
}


def in_both_phases(form, style):
    """Return by phase how far gradients are from those by hand; the reduction; and buffers."""
    rank, size, bare = dist.get_rank(), dist.get_world_size(), net()
    wrapped = FORMS[form](bare)
    is_asked_for = form in ("bare", "unused parameters")
    individual = member(wrapped, reduction="ddp" if is_asked_for else "auto")
    errors = {"cooperative": [], "competitive": []}
    while not individual.done:
        step = 3 * individual.steps_done
        steps = [step] if style == "each" else [step, step + 1, step + 2]
        if individual.mode == "cooperative":
            wanted = mean_by_hand(bare, steps, size)
        else:
            wanted = own_gradients(bare, rank, steps)
        for micro in steps:
            waits = style != "each" and micro != steps[-1]
            pause = wrapped.no_sync() if waits and style == "no_sync" else contextlib.nullcontext()
            with pause:
                x, y = batch(rank, micro)
                loss = nn.functional.cross_entropy(individual.model(x), y)
                with individual.sync_context(sync=not (waits and style == "sync_context")):
                    loss.backward()
        errors[individual.mode].append(error(bare, wanted))
        individual.optimizer.step()
        individual.optimizer.zero_grad()
        individual.step()
    gradients = individual._transitions.gradients
    return errors, (gradients.name, gradients.averaged), bare[1].running_mean.tolist()


@pytest.mark.parametrize(
    ("form", "style"),
    [*((form, "each") for form in FORMS), ("as it comes", "no_sync"), ("bare", "sync_context")],
)
def test_the_wrapper_averages_in_cooperation_alone(ranks, form, style):
    answers = ranks(3).run(in_both_phases, form, style)
    for errors, found, _ in answers:
        assert found == ("ddp", 2)
        assert len(errors["cooperative"]) == len(errors["competitive"]) == 2
        assert max(errors["cooperative"] + errors["competitive"]) < 1e-6
    assert answers[0][-1] != answers[1][-1]  # no buffers from rank 0


class Halves(nn.Module):
    """A model that may leave out a part."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = (nn.Linear(2, 2) for _ in range(3))

    def forward(self, x, *, whole=True):
        return self.third(self.second(self.first(x))) if whole else self.first(x)


def that_goes_wrong(what):
    model = Halves()
    x = torch.ones(1, 2)
    if what == "frozen":
        model.second.requires_grad_(False)
        wrapped = in_small_buckets(model)
        model.second.requires_grad_(True)
    elif what == "another group":
        group = dist.new_subgroups_by_enumeration([[0], [1]])[0]
        wrapped = DistributedDataParallel(model, process_group=group)
    elif what == "ignored":
        ignored = ["first.weight"]
        DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(model, ignored)
        wrapped = DistributedDataParallel(model)
    else:
        wrapped = in_small_buckets(model)
    if what == "a hook":
        wrapped.register_comm_hook(None, allreduce_hook)
    individual = member(wrapped, reduction="ddp", duty_cycle=0.0)
    called = model if what == "past the wrapper" else individual.model
    called(x, whole=what != "unused").sum().backward()
    individual.optimizer.step()


EXACT = "or choose reduction='exact', which "
AROUND = "the DistributedDataParallel around the model "
NOT_USED = f"{EXACT}does not use the wrapper"


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (
            "unused",
            (
                "a backward pass has not reached the parameters 'second.weight', 'second.bias', "
                "'third.weight' and 1 more, and without them DistributedDataParallel averages no "
                "gradients: give it find_unused_parameters=True, "
                f"{EXACT}does not need them"
            ),
        ),
        (
            "past the wrapper",
            (
                "a backward pass did not go through the DistributedDataParallel that averages its "
                "gradients, so each rank has kept its own: call member.model(...) before each "
                f"backward pass, {EXACT}averages at every backward pass"
            ),
        ),
        (
            "frozen",
            (
                f"{AROUND}does not average the parameters that require gradients now: wrap the "
                "model after they are frozen and unfrozen"
            ),
        ),
        ("another group", f"{AROUND}averages over some ranks only: leave process_group out; "),
        ("ignored", f"{AROUND}ignores parameters, such as 'first.weight': freeze them; "),
        (
            "a hook",
            f"{AROUND}has a communication hook already, and torch allows one: leave it out; ",
        ),
    ],
)
def test_a_wrapper_that_cannot_average_is_an_error_that_says_why(ranks, what, message):
    message += NOT_USED if message.endswith("; ") else ""
    for raised in ranks(2).fail(that_goes_wrong, what):
        assert (raised.kind, raised.message.removeprefix("rank 0: ")) == ("GradientError", message)


def not_fit(what):
    wrapper = in_small_buckets(net(), find_unused_parameters=what == "unused parameters")
    if what == "a hook":
        wrapper.register_comm_hook(None, allreduce_hook)
    return member(wrapper, reduction="auto")._transitions.gradients.name


@pytest.mark.parametrize("what", ["a hook", "unused parameters"])
def test_a_wrapper_that_is_not_fit_is_not_used_without_being_asked_for(ranks, what):
    assert ranks(2).run(not_fit, what) == ["exact"] * 2


def past_the_wrapper_later():
    """Call the wrapper without averaging, take a step, and then go past the wrapper."""
    model = Halves()
    wrapped = in_small_buckets(model)
    individual = member(wrapped, reduction="ddp", duty_cycle=0.0)
    x = torch.ones(1, 2)
    with wrapped.no_sync():
        individual.model(x).sum().backward()
    individual.optimizer.step()
    model(x).sum().backward()
    individual.optimizer.step()


def test_what_was_called_before_the_last_step_does_not_count(ranks):
    for raised in ranks(2).fail(past_the_wrapper_later):
        assert "did not go through the DistributedDataParallel" in raised.message


def after_the_clan():
    """Return how far gradients are from their mean after a clan, and in a second one."""
    rank, bare, errors = dist.get_rank(), net(), []
    wrapper = in_small_buckets(bare)
    for _ in range(2):
        channel = Communication()
        optimizer = torch.optim.SGD(wrapper.parameters(), lr=0.1)
        state = build_state(Genome(), wrapper, optimizer, channel)
        state.gradients.average_over(channel.everybody)
        for state_is_open in (True, False):
            if not state_is_open:
                state.close()
            wanted = mean_by_hand(bare, [1], dist.get_world_size())
            x, y = batch(rank, 1)
            nn.functional.cross_entropy(wrapper(x), y).backward()
            errors.append(error(bare, wanted))
            optimizer.zero_grad()
        channel.close()
    copied = copy.deepcopy(wrapper.module)
    return errors, type(copied).__name__


def test_a_closed_clan_leaves_a_wrapper_that_averages_and_serves_another_clan(ranks):
    for errors, name in ranks(2).run(after_the_clan):
        assert len(errors) == 4
        assert max(errors) < 1e-6
        assert name == "Sequential"
