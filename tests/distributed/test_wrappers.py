"""A model inside a DistributedDataParallel that the exact reduction switches off."""

import warnings

import pytest
import torch
import torch.distributed as dist
from by_hand import batch, error, mean_by_hand, member, net, own_gradients
from torch import nn
from torch.nn.parallel import DistributedDataParallel

OPTIONS = {
    "as it comes": {},
    "unused parameters": {"find_unused_parameters": True},
    "bucket views": {"gradient_as_bucket_view": True},
    "no buffers": {"forward_sync_buffers": False},
}


class Task(nn.Module):
    """What a framework wraps: the model with its loss, as a LightningModule is."""

    def __init__(self, in_parts=False):
        super().__init__()
        self.model, self.in_parts = net(), in_parts

    def forward(self, x, y):
        if self.in_parts:  # the model itself is not called
            for part in self.model:
                x = part(x)
        else:
            x = self.model(x)
        return nn.functional.cross_entropy(x, y)


def in_a_wrapper(wrapped, options, in_parts, duty_cycle):
    """Return by phase how far gradients are off those by hand, and the running mean."""
    rank, size = dist.get_rank(), dist.get_world_size()
    task = Task(in_parts)
    if wrapped == "before":
        outer = DistributedDataParallel(task, **options)
    individual = member(task.model, duty_cycle=duty_cycle)
    if wrapped == "after":
        outer = DistributedDataParallel(task, **options)
    errors = {"cooperative": [], "competitive": []}
    while not individual.done:
        step = individual.steps_done
        if individual.mode == "cooperative":
            wanted = mean_by_hand(task.model, [step], size)
        else:
            wanted = own_gradients(task.model, rank, [step])
            if rank == 1 and step:  # a pass that others do not make: nobody waits for it
                outer(*batch(rank, 99)).backward()
                individual.optimizer.zero_grad()
        before = task.model[1].running_mean.clone()
        outer(*batch(rank, step)).backward()
        errors[individual.mode].append(error(task.model, wanted))
        assert not torch.equal(task.model[1].running_mean, before)
        individual.optimizer.step()
        individual.optimizer.zero_grad()
        individual.step()
    return errors, task.model[1].running_mean.tolist()


@pytest.mark.parametrize("wrapped", ["before", "after"])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("in_parts", [False, True])
@pytest.mark.parametrize("duty_cycle", [0.5, 1.0])
def test_only_the_clan_averages_from_the_first_step_on(
    ranks, wrapped, options, in_parts, duty_cycle
):
    answers = ranks(2).run(in_a_wrapper, wrapped, OPTIONS[options], in_parts, duty_cycle)
    for errors, _ in answers:
        found = errors["cooperative"] + errors["competitive"]
        assert len(found) == 4
        assert max(found) < 1e-6
    assert answers[0][1] != answers[1][1]  # no buffers from rank 0


def handed_in(options):
    """Give the clan the wrapper itself; return how far gradients are off, and what is flagged."""
    rank = dist.get_rank()
    wrapper = DistributedDataParallel(net(), **options)
    individual, errors = member(wrapper, duty_cycle=1.0), []
    while not individual.done:
        wanted = own_gradients(wrapper.module, rank, [individual.steps_done])
        x, y = batch(rank, individual.steps_done)
        nn.functional.cross_entropy(individual.model(x), y).backward()
        errors.append(error(wrapper, wanted))
        individual.optimizer.step()
        individual.optimizer.zero_grad()
        individual.step()
    return max(errors), wrapper.module[1].running_mean.tolist()


@pytest.mark.parametrize("options", OPTIONS)
def test_a_wrapper_that_is_handed_in_is_switched_off(ranks, options):
    (first, first_mean), (second, second_mean) = ranks(2).run(handed_in, OPTIONS[options])
    assert max(first, second) < 1e-6
    assert first_mean != second_mean


def compiled(what):
    """Return how far gradients are off, and how often something was compiled."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph

    task, rank = Task(), dist.get_rank()
    if what == "model":
        task.model = torch.compile(task.model, backend=backend)
    individual = member(task.model, duty_cycle=1.0)
    plain = individual._state.get("model")
    if what == "task":
        task = torch.compile(task, backend=backend)
    outer, errors = DistributedDataParallel(task), []
    if what == "no wrapper":
        outer = torch.compile(task, backend=backend, fullgraph=True)
    while not individual.done:
        wanted = own_gradients(plain, rank, [individual.steps_done])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.compile warns about what it does itself
            outer(*batch(rank, individual.steps_done)).backward()
        errors.append(error(plain, wanted))
        individual.optimizer.step()
        individual.optimizer.zero_grad()
        individual.step()
    return max(errors), len(graphs)


@pytest.mark.parametrize(("what", "most"), [("model", 1), ("task", 3), ("no wrapper", 2)])
def test_a_compiled_model_is_looked_at_too(ranks, what, most):
    for off, graphs in ranks(2).run(compiled, what):
        assert off < 1e-6
        assert graphs <= most


def switched_on_again(how):
    """A framework makes a second wrapper midway, or sets the flag of the first after each step."""
    rank, task = dist.get_rank(), Task()
    individual = member(task.model, duty_cycle=1.0)
    outer = DistributedDataParallel(task)
    errors = []
    while not individual.done:
        step = individual.steps_done
        if how == "second wrapper" and step == 2:
            outer = DistributedDataParallel(task, init_sync=False)
        wanted = own_gradients(task.model, rank, [step])
        outer(*batch(rank, step)).backward()
        if how == "flag":
            outer.require_backward_grad_sync = True
        errors.append(error(task.model, wanted))
        individual.optimizer.step()
        individual.optimizer.zero_grad()
        individual.step()
    return max(errors)


@pytest.mark.parametrize("how", ["second wrapper", "flag"])
def test_a_wrapper_that_is_switched_on_again_is_found_in_the_next_step(ranks, how):
    assert max(ranks(2).run(switched_on_again, how)) < 1e-6


def after_the_clan():
    """Train on without the clan: the wrapper averages again, and no hook is left."""
    task = Task()
    individual = member(task.model, duty_cycle=1.0)
    outer = DistributedDataParallel(task)
    for close in (False, True):
        if close:
            individual._transitions.gradients.close()
        outer.zero_grad()
        outer(*batch(dist.get_rank(), 0)).backward()
        gradient = task.model[0].weight.grad.tolist()
        if not close:
            own = gradient
    hooks = [hook for module in outer.modules() for hook in module._forward_pre_hooks]
    return own, gradient, hooks


def test_a_clan_that_is_closed_lets_the_wrapper_average_again(ranks):
    (own, together, hooks), (other, also_together, _) = ranks(2).run(after_the_clan)
    assert own != other
    assert together == also_together
    assert hooks == []


def static(handed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that some of it is old; users have it
        if handed:
            member(DistributedDataParallel(net(), static_graph=True))
        else:
            task = Task()
            individual = member(task.model)
            DistributedDataParallel(task, static_graph=True)(*batch(0, 0)).backward()
            individual.step()


def around_more_than_the_model():
    task = Task()
    individual = member(task.model)
    task.head = nn.Linear(2, 2)
    DistributedDataParallel(task)(*batch(0, 0))
    individual.step()


STATIC = (
    "the model runs inside DistributedDataParallel(static_graph=True), which fails if it does not "
    "average in its first step; in a clan it never does: leave static_graph out"
)
MORE = (
    "the model runs inside DistributedDataParallel, which also averages the gradient of "
    "'head.weight', a parameter that is not in the clan's model. A clan switches the wrapper off, "
    "so give the clan the whole module that it wraps"
)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (static, (True,), STATIC),
        (static, (False,), STATIC),
        (around_more_than_the_model, (), MORE),
    ],
)
def test_wrappers_that_cannot_be_switched_off_are_refused(ranks, function, arguments, message):
    for raised in ranks(2).fail(function, *arguments):
        assert (raised.kind, raised.message) == ("GradientError", message)
