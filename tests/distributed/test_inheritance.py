"""Inheritance: children hold what their parents held, and train on as these would have."""

import copy
import gc
import io
import itertools
import random
import time
import weakref
from datetime import timedelta
from unittest import mock

import pytest
import torch
import torch.distributed as dist
from torch import nn

from clantune_clan import Communication, TrainingState, WeightAverage
from clantune_clan.communication import buckets
from clantune_clan.inheritance import Inheritance, Plan, inherit, movement
from clantune_clan.inheritance.movement import Movement
from clantune_clan.reduction import make_gradients
from clantune_core import Genome

TIMEOUT = 20.0
SMALL = 256
"""Bytes of a bucket, so small that the tensors of these tests travel in many."""


def with_small_buckets():
    mock.patch.object(buckets, "LIMIT", SMALL).start()  # until the job ends


class Nested(torch.optim.Optimizer):
    """An optimizer whose state is nested, and has entries of all kinds."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        with torch.enable_grad():
            loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                state.setdefault("past", []).append(p.grad.clone())
                state["both"] = (state.get("both", (0, None))[0] + 1, torch.tensor(True))
                state["more"] = {"name": "nested", 3: torch.full((2,), loss.item()), "none": None}
                state["is_on"], state["scale"] = True, 0.5 + loss.item()
                p.add_(sum(state["past"]), alpha=-group["lr"] * min(1.0, state["scale"]))
        return loss


OPTIMIZERS = {
    "sgd": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9),
    "adam": lambda p, lr: torch.optim.Adam(p, lr, amsgrad=True),
    "adamw": torch.optim.AdamW,
    "adamw, lr is a tensor": lambda p, lr: torch.optim.AdamW(p, torch.tensor(lr)),
    "adagrad": torch.optim.Adagrad,
    "rmsprop": lambda p, lr: torch.optim.RMSprop(p, lr, momentum=0.5, centered=True),
    "lbfgs": lambda p, lr: torch.optim.LBFGS(p, lr, max_iter=3, history_size=3),
    "nested": Nested,
}


def plain_net():
    return nn.Sequential(nn.Linear(5, 9), nn.BatchNorm1d(9), nn.Tanh(), nn.Linear(9, 2))


class Odd(nn.Module):
    """A model with tensors of every kind."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 40)
        self.tied = nn.Linear(6, 40)
        self.tied.weight = self.first.weight
        self.images = nn.Conv2d(3, 8, 5).to(memory_format=torch.channels_last)
        self.turned = nn.Parameter(torch.randn(9, 30).t())
        self.scalar = nn.Parameter(torch.randn(()))
        self.low = nn.Parameter(torch.randn(70, dtype=torch.bfloat16))
        self.high = nn.Parameter(torch.randn(70, dtype=torch.float64))
        self.frozen = nn.Parameter(torch.randn(100), requires_grad=False)
        self.never_used = nn.Parameter(torch.randn(3))
        self.norm = nn.BatchNorm1d(40)
        for name, tensor in {
            "mask": torch.randn(33) > 0,
            "count": torch.randint(0, 1000, ()),
            "places": torch.randint(0, 1000, (77,)),
            "tiny": torch.randn(300).to(torch.float8_e4m3fn),
            "words": torch.randint(0, 60000, (21,)).to(torch.uint16),
            "nothing": torch.empty(0, 4),
            "waves": torch.randn(40, dtype=torch.complex64),
            "strided": torch.randn(40, 8)[:, ::2],
            "expanded": torch.randn(9, 1).expand(9, 20),
        }.items():
            self.register_buffer(name, tensor, persistent=name != "places")

    def forward(self, x):
        x = self.norm(self.first(x) + self.tied(x)).square().mean() + self.scalar**2
        x = x + self.images(torch.ones(1, 3, 5, 5)).square().mean() + self.turned.square().mean()
        x = x + self.low.float().square().mean() + self.high.square().mean().float()
        return x + self.strided.mean()


def state_of(model, optimizer, channel, average=None):
    gradients = make_gradients(model, [optimizer], channel, "exact")
    return TrainingState(Genome(), model, optimizer, gradients=gradients, average=average)


class Rank:
    """A member in the making: everything is different on each rank."""

    def __init__(self, optimizer="adam", model=plain_net, steps=2, channel=None, average=True):
        with_small_buckets()
        rank = dist.get_rank()
        self.channel = channel or Communication(timeout=TIMEOUT)
        torch.manual_seed(rank)
        self.model = model()
        self.optimizer = OPTIMIZERS[optimizer](self.model.parameters(), 0.01 * (rank + 1))
        mean = WeightAverage(self.model) if average and model.__name__ != "Odd" else None
        self.state = state_of(self.model, self.optimizer, self.channel, mean)
        self.train(steps, rank)

    def train(self, steps, seed):
        train(self.model, self.optimizer, steps, seed)
        if self.state.average and steps:
            self.state.average.update(self.state.average.every)

    def held(self):
        return held(self.state)

    def apply(self, *parents, **registered):
        return inherit_by(self.state, self.channel, parents, registered)


def inherit_by(state, channel, parents, registered=None):
    """Let the members inherit, and return what was done."""
    inheritance = Inheritance(state, channel, registered)
    digests = channel.together("preparing", inheritance.prepare)
    report, _ = inheritance.apply(Plan(parents), digests)
    return report


def train(model, optimizer, steps, seed):
    for step in range(steps):
        torch.manual_seed(100 * seed + step)
        x = torch.randn(7, 6 if hasattr(model, "tied") else 5)

        def closure(x=x):
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            return loss

        optimizer.step(closure)


def held(state):
    """All that travels, copied."""
    module, optimizer = state.model, state.optimizer
    return copy.deepcopy(
        {
            "model": {n: p.detach() for n, p in module.named_parameters()},
            "buffers": dict(module.named_buffers()),
            "optimizer": {
                name: optimizer.state[p]
                for name, p in module.named_parameters()
                if p in optimizer.state
            },
            "average": state.average.state_dict() if state.average else None,
        }
    )


def packed(*values):
    """Values as bytes: pickle alone knows no tensors of the newer types."""
    file = io.BytesIO()
    torch.save(values, file)
    return file.getvalue()


def unpacked(answers):
    return [torch.load(io.BytesIO(answer), weights_only=False) for answer in answers]


def lr_of(optimizer):
    return float(optimizer.param_groups[0]["lr"])


def same(one, other):
    """Whether two values are equal, tensors bit for bit."""
    if isinstance(one, torch.Tensor):
        return (one.dtype, one.shape) == (other.dtype, other.shape) and one.contiguous().view(
            -1
        ).view(torch.uint8).tolist() == other.contiguous().view(-1).view(torch.uint8).tolist()
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and (one == other or one != one)


def twin_of(model, optimizer):
    model, twin = copy.deepcopy((model, optimizer))
    if isinstance(twin, torch.optim.LBFGS):  # whose copies lack what it makes at the start
        twin._params, twin._numel_cache = twin.param_groups[0]["params"], None
    return model, twin


def involved(parents):
    """Return the members that give or receive something."""
    given = {(parent, child) for child, each in enumerate(parents) for parent in each}
    return {member for pair in given if pair[0] != pair[1] for member in pair}


# Copying


def inherit_and_train_on(parents, optimizer, model, steps):
    member = Rank(optimizer, model, steps[dist.get_rank()])
    before = member.held()
    tensors = {id(p): p.data_ptr() for p in member.model.parameters()}
    groups = copy.deepcopy(member.optimizer.state_dict()["param_groups"])
    twin, twins = twin_of(member.model, member.optimizer)
    train(twin, twins, 3, 50)
    would_be = held(state_of(twin, twins, member.channel))

    report = member.apply(*parents)
    after = member.held()
    assert member.optimizer.state_dict()["param_groups"] == groups
    assert {id(p): p.data_ptr() for p in member.model.parameters()} == tensors
    assert (report.checksum is None) == (dist.get_rank() not in involved(parents))

    parent = next(iter(parents[dist.get_rank()]))
    lr = member.optimizer.param_groups[0]["lr"]
    if isinstance(lr, torch.Tensor):
        lr.fill_(0.01 * (parent + 1))
    else:
        member.optimizer.param_groups[0]["lr"] = 0.01 * (parent + 1)
    train(member.model, member.optimizer, 3, 50)
    member.state.average = None
    return packed(before, after, would_be, member.held(), report.checksum, report.bytes_moved)


def check_copies(ranks, parents, optimizer, model, steps):
    parents = [{parent: 1.0} for parent in parents]
    answers = unpacked(
        ranks(len(parents)).run(inherit_and_train_on, parents, optimizer, model, steps)
    )
    for child, ((parent,), (before, after, _, trained, _, moved)) in enumerate(
        zip(parents, answers, strict=True)
    ):
        assert same(after, answers[parent][0]), child
        assert same(trained, answers[parent][2]), child
        assert (moved > 0) == (child != parent)
        assert same(before, after) == (child == parent)
    checksums = {answers[member][4] for member in involved(parents)}
    assert len(checksums) == len({p for m in involved(parents) for p in parents[m]})


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    ("parents", "steps"),
    [
        pytest.param((1, 2, 0), (2, 3, 4), id="circle"),
        pytest.param((0, 0, 0), (3, 0, 0), id="to empty ones"),
        pytest.param((0, 0, 0), (0, 3, 2), id="from an empty one"),
        pytest.param((1, 2, 0), (2, 0, 4), id="circle with an empty one"),
        pytest.param((1, 0), (2, 3), id="swap"),
        pytest.param((1, 0), (2, 0), id="swap with an empty one"),
        pytest.param((1, 2, 0, 0), (2, 3, 4, 0), id="circle of three, and a child"),
        pytest.param((1, 2, 3, 4, 5, 6, 7, 0), (1, 2) * 4, id="circle of eight"),
        pytest.param((5, 0, 5, 5, 0, 1, 0, 1), (2, 2, 0, 3, 0, 4, 1, 1), id="eight"),
    ],
)
def test_a_child_trains_on_as_its_parent_would(ranks, optimizer, parents, steps):
    check_copies(ranks, parents, optimizer, plain_net, steps)


@pytest.mark.parametrize(
    "parents",
    [
        pytest.param((0,), id="alone"),
        pytest.param((1, 0), id="swap"),
        pytest.param((0, 0), id="pair"),
        pytest.param((1, 0, 2), id="swap beside one"),
        pytest.param((3, 3, 3, 3), id="fan"),
        pytest.param((1, 0, 3, 2), id="two swaps"),
        pytest.param((0, 0, 1, 2), id="chain"),
        pytest.param((1, 2, 2, 0), id="chain and fan"),
        pytest.param((0, 2, 1, 1), id="swap and fan"),
        pytest.param((1, 2, 3, 4, 5, 6, 7, 0), id="circle of eight"),
        pytest.param((5, 0, 5, 5, 0, 1, 0, 1), id="eight"),
    ],
)
def test_tensors_of_every_kind_arrive_under_every_plan(ranks, parents):
    check_copies(ranks, parents, "adam", Odd, [rank % 3 for rank in range(len(parents))])


def made(rank, is_empty, channel):
    torch.manual_seed(rank)
    model = nn.Sequential(nn.Linear(5, 48), nn.Linear(48, 2))
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    if not is_empty:
        train(model, optimizer, 1, rank)
    return state_of(model, optimizer, channel)


def inherit_under(plans, empty):
    with_small_buckets()
    channel, me = Communication(timeout=TIMEOUT), dist.get_rank()
    members = range(dist.get_world_size())
    befores = [held(made(rank, rank in empty, channel)) for rank in members]
    state = made(me, me in empty, channel)
    model, optimizer = copy.deepcopy((state.model.state_dict(), state.optimizer.state_dict()))
    for parents in plans:
        state.model.load_state_dict(model)
        state.optimizer.load_state_dict(copy.deepcopy(optimizer))
        inherit_by(state, channel, parents)
        wanted = mean_by_hand(befores, [parents[me].get(member, 0.0) for member in members])
        assert_close(held(state), wanted)
    return len(plans)


COPIES = [[{parent: 1.0} for parent in plan] for plan in itertools.product(range(4), repeat=4)]


def mixed_plans(members, count):
    dice = random.Random(members)
    sizes = [dice.choices([1, 2, members], [6, 3, 1], k=members) for _ in range(count)]
    return [
        [dict.fromkeys(dice.sample(range(members), size), 1.0 / size) for size in each]
        for each in sizes
    ]


@pytest.mark.parametrize(
    ("plans", "empty"),
    [
        pytest.param(COPIES, (), id="copies"),
        pytest.param(random.Random(0).sample(COPIES, 64), (1, 2), id="copies, two are empty"),
        pytest.param(mixed_plans(4, 50), (), id="copies and means"),
        pytest.param(mixed_plans(8, 10), (), id="copies and means of eight"),
    ],
)
def test_no_plan_lets_ranks_wait_for_each_other(ranks, plans, empty):
    assert set(ranks(len(plans[0])).run(inherit_under, plans, empty)) == {len(plans)}


def how_it_lies(parents):
    member = Rank(model=Odd, steps=1 if dist.get_rank() == 0 else 0)
    assert member.model.tied.weight is member.model.first.weight
    names = [(n, p) for n, p in member.model.named_parameters() if p in member.optimizer.state]
    assert not names if dist.get_rank() else names
    report = member.apply(*parents)
    assert member.model.tied.weight is member.model.first.weight
    bytes_ = sum(
        t.nbytes
        for part in filter(None, member.held().values())
        for entry in part.values()
        for t in (entry.values() if isinstance(entry, dict) else [entry])
    )
    state = member.optimizer.state
    weight = member.model.images.weight
    return (
        report.bytes_moved,
        bytes_,
        state[weight]["exp_avg"].stride() == weight.stride(),
        member.model.never_used in state,
    )


def test_new_state_is_laid_out_like_its_parameter_and_tied_weights_travel_once(ranks):
    parent, child = ranks(2).run(how_it_lies, [{0: 1.0}, {0: 1.0}])
    assert parent[0] == 0
    assert child[0] == child[1]
    assert parent[2:] == child[2:] == (True, False)


def allocated():
    gc.collect()
    tensors = [each for each in gc.get_objects() if issubclass(type(each), torch.Tensor)]
    return sum(
        {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}.values()
    )


def left_allocated(parents):
    member = Rank(model=lambda: nn.Linear(5, 500), steps=1)
    member.model.zero_grad()
    member.apply(*parents)
    before = allocated()
    member.apply(*parents)
    return allocated() - before


@pytest.mark.parametrize("parents", [[{1: 1.0}, {0: 1.0}], [{0: 0.5, 1: 0.5}] * 2])
def test_no_memory_stays_allocated(ranks, parents):
    assert ranks(2).run(left_allocated, parents) == [0, 0]


class Aliased(nn.Module):
    """A model whose last weight is a parameter of its own, in the memory of the first one."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(5, 5)
        self.second = nn.Sequential(nn.Linear(5, 90), nn.Linear(90, 5))
        self.ultimate = nn.Linear(5, 5)
        self.ultimate.weight.data = self.first.weight.data

    def forward(self, x):
        return self.ultimate(self.second(self.first(x)))


def weights_in_one_memory(parents):
    member = Rank("sgd", Aliased, average=False)
    before = member.held()
    member.apply(*parents)
    first, last = member.model.first.weight, member.model.ultimate.weight
    return packed(before, member.held(), first.data_ptr() == last.data_ptr())


def test_weights_in_one_memory_change_places(ranks):
    answers = unpacked(ranks(3).run(weights_in_one_memory, [{1: 1.0}, {2: 1.0}, {0: 1.0}]))
    for rank, (_, after, is_one) in enumerate(answers):
        assert same(after, answers[(rank + 1) % 3][0])
        assert is_one


def most_staged(parents):
    """Return the most bytes that lay in buckets at once."""
    member = Rank(model=lambda: nn.Linear(5, 500), steps=1)
    empty, lying, most = buckets.Bucket.empty, [], [0]

    def counted(*arguments):
        tensor = empty(*arguments)
        lying.append(tensor.nbytes)
        weakref.finalize(tensor, lying.remove, tensor.nbytes)
        most.append(sum(lying))
        return tensor

    buckets.Bucket.empty = counted
    member.apply(*parents)
    buckets.Bucket.empty = empty
    return max(most), sum(lying)


@pytest.mark.parametrize(
    "parents",
    [[{1: 1.0}, {0: 1.0}], [{0: 0.5, 1: 0.5}] * 2, [{0: 0.6, 1: 0.4}, {0: 0.4, 1: 0.6}]],
    ids=["swap", "shared mean", "two means"],
)
def test_a_few_buckets_are_in_memory_at_once(ranks, parents):
    for most, left in ranks(2).run(most_staged, parents):
        assert SMALL < most <= 2 * (movement.AHEAD + 1) * SMALL
        assert left == 0


# The mean


def average(parents, optimizer, model, steps, spoiled=()):
    rank = dist.get_rank()
    member = Rank(optimizer, model, steps[rank])
    if rank in spoiled:
        with torch.no_grad():
            for tensor in member.model.parameters():
                tensor.fill_(float("nan"))
    before, lr = member.held(), lr_of(member.optimizer)
    report = member.apply(*parents)
    assert lr_of(member.optimizer) == lr
    return packed(before, member.held(), report.checksum)


def mean_by_hand(values, weights):
    first = max(range(len(weights)), key=lambda place: (weights[place], -place))
    if isinstance(values[first], dict):
        return {
            key: mean_by_hand(
                [v[key] if w else None for v, w in zip(values, weights, strict=True)], weights
            )
            for key in values[first]
        }
    if isinstance(values[first], (list, tuple)):
        by_place = [dict(enumerate(value or ())) for value in values]
        return type(values[first])(mean_by_hand(by_place, weights).values())
    if not isinstance(values[first], torch.Tensor) or not (
        values[first].is_floating_point() or values[first].is_complex()
    ):
        return values[first]
    wide = torch.complex128 if values[first].is_complex() else torch.float64
    return sum(v.to(wide) * w for v, w in zip(values, weights, strict=True) if w) / sum(weights)


def assert_close(value, wanted):
    if isinstance(value, dict):
        assert value.keys() == wanted.keys()
        for key in value:
            assert_close(value[key], wanted[key])
    elif isinstance(value, (list, tuple)):
        assert len(value) == len(wanted)
        for one, other in zip(value, wanted, strict=True):
            assert_close(one, other)
    elif isinstance(value, torch.Tensor) and (value.is_floating_point() or value.is_complex()):
        bound = {1: 0.1, 2: 0.01}.get(value.dtype.itemsize, 1e-6)
        wide = value.to(wanted.dtype)
        torch.testing.assert_close(wide, wanted, rtol=bound, atol=2e-3 if bound == 0.1 else 1e-6)
    else:
        assert same(value, wanted)


def check_means(ranks, parents, optimizer, model, steps, spoiled=()):
    arguments = parents, optimizer, model, steps, spoiled
    answers = unpacked(ranks(len(parents)).run(average, *arguments))
    befores = [before for before, _, _ in answers]
    for child, weights in enumerate(parents):
        wanted = mean_by_hand(befores, [weights.get(m, 0.0) for m in range(len(parents))])
        assert_close(answers[child][1], wanted)
        for other in range(child):
            if parents[other] == weights:
                assert same(answers[child][1], answers[other][1])
                assert answers[child][2] == answers[other][2]
    return answers


@pytest.mark.parametrize("members", [2, 3, 4, 8])
@pytest.mark.parametrize("optimizer", [name for name in OPTIMIZERS if name != "lbfgs"])
def test_a_clan_recentres_on_its_mean(ranks, optimizer, members):
    parents = [dict.fromkeys(range(members), 1 / members)] * members
    answers = check_means(ranks, parents, optimizer, plain_net, (2,) * members)
    if optimizer.startswith("adam"):
        for _, after, _ in answers:
            assert all(entry["step"].item() == 2.0 for entry in after["optimizer"].values())


@pytest.mark.parametrize(
    "parents",
    [
        pytest.param([{0: 0.5, 1: 0.5}] * 2, id="two"),
        pytest.param([{0: 0.5, 1: 0.3, 2: 0.2}] * 3, id="three with weights"),
        pytest.param([{0: 0.25, 1: 0.25, 3: 0.5}] * 4, id="without one"),
        pytest.param([{0: 0.5, 1: 0.5}, {1: 1.0}, {0: 0.5, 1: 0.5}], id="two and a copy"),
        pytest.param(
            [{1: 0.6, 2: 0.4}, {2: 0.5, 0: 0.5}, {1: 0.9, 0: 0.1}, {3: 1.0}], id="crossed"
        ),
        pytest.param([{m: 0.25, (m + 1) % 8: 0.75} for m in range(8)], id="circle of eight"),
    ],
)
def test_tensors_of_every_kind_are_averaged(ranks, parents):
    check_means(ranks, parents, "adam", Odd, [3] * len(parents))


@pytest.mark.parametrize(
    "parents",
    [
        [{0: 0.5, 1: 0.5, 2: 0.0}] * 3,
        [{0: 0.5, 1: 0.5, 2: 0.0}, {0: 0.6, 1: 0.4, 2: 0.0}, {1: 1.0, 2: 0.0}],
    ],
    ids=["shared", "each its own"],
)
@pytest.mark.parametrize("steps", [(2, 2, 2), (2, 2, 0)], ids=["full", "empty"])
def test_a_member_of_weight_zero_gives_nothing_and_gets_all(ranks, parents, steps):
    answers = check_means(ranks, parents, "adam", plain_net, steps, (2,))
    assert all(tensor.isfinite().all() for tensor in answers[2][1]["model"].values())


def large_counters(parents):
    member = Rank("adam")
    for entry in member.optimizer.state.values():
        entry["step"].fill_(16_777_215.0)
    member.apply(*parents)
    return [entry["step"].item() for entry in member.optimizer.state.values()]


@pytest.mark.parametrize("weights", [{0: 0.5, 1: 0.5}, dict.fromkeys(range(3), 1 / 3)])
@pytest.mark.parametrize("is_shared", [True, False])
def test_counters_that_are_equal_stay_exact(ranks, weights, is_shared):
    parents = [weights, weights, weights if is_shared else {2: 1.0}]
    for counters in ranks(3).run(large_counters, parents):
        assert {*counters} == {16_777_215.0}


# Members of several ranks, and what is registered


def in_pairs(parents):
    member = Rank(channel=Communication(ranks_per_member=2, timeout=TIMEOUT), model=Odd)
    before = member.held()
    member.apply(*parents)
    return packed(before, member.held())


def test_ranks_inherit_from_those_of_equal_place(ranks):
    answers = unpacked(ranks(4).run(in_pairs, [{1: 1.0}, {0: 1.0}]))
    for rank, (_, after) in enumerate(answers):
        assert same(after, answers[(rank + 2) % 4][0])
    answers = unpacked(ranks(4).run(in_pairs, [{0: 0.5, 1: 0.5}] * 2))
    for rank, (_, after) in enumerate(answers):
        place = rank % 2
        assert_close(after, mean_by_hand([answers[place][0], answers[place + 2][0]], [0.5, 0.5]))
        assert same(after, answers[(rank + 2) % 4][1])
        assert not same(after, answers[rank ^ 1][1])


class Notes:
    """An object of somebody's own."""

    def __init__(self, rank, is_forgetful=False):
        self.notes = {"seen": rank, "names": ["a", rank], "mean": torch.full((3,), float(rank))}
        self.is_forgetful = is_forgetful

    def state_dict(self):
        return self.notes

    def load_state_dict(self, state):
        if not self.is_forgetful:
            self.notes = state


def with_registered(parents, *milestones):
    milestones = milestones[dist.get_rank()]
    member = Rank()
    average = torch.optim.swa_utils.AveragedModel(member.model)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(member.optimizer, milestones)
    notes = Notes(dist.get_rank())
    before = copy.deepcopy((average.state_dict(), scheduler.state_dict(), notes.notes))
    member.apply(*parents, ema=average, scheduler=scheduler, notes=notes)
    return before, (average.state_dict(), scheduler.state_dict(), notes.notes)


def test_registered_objects_are_inherited(ranks):
    (first, _), (_, second) = ranks(2).run(with_registered, [{0: 1.0}] * 2, [2], [3, 4])
    for one, other in zip(first, second, strict=True):
        assert same(dict(one), dict(other))


def test_registered_objects_are_averaged(ranks):
    (_, one), (_, other) = ranks(2).run(with_registered, [{0: 0.5, 1: 0.5}] * 2, [2], [2])
    assert one[2]["seen"] == other[2]["seen"] == 0
    assert one[2]["mean"].tolist() == other[2]["mean"].tolist() == [0.5] * 3
    assert same(dict(one[0]), dict(other[0]))


class Showing:
    """Shows the weights of the model itself, as part of its own state."""

    def __init__(self, model):
        self.weights = model.weight.detach()

    def state_dict(self):
        return {"weights": self.weights}

    def load_state_dict(self, state):
        self.loaded = state["weights"]


def with_weights_shown(parents):
    member = Rank("sgd", lambda: nn.Linear(5, 240), average=False)
    showing = Showing(member.model)
    member.apply(*parents, showing=showing)
    return (showing.loaded - member.model.weight).abs().max().item()


@pytest.mark.parametrize(
    "parents",
    [
        [{0: 0.75, 1: 0.25}] * 2,
        [{0: 0.75, 1: 0.25}, {0: 0.25, 1: 0.75}],
        [{1: 1.0}, {0: 1.0}],
    ],
    ids=["shared mean", "two means", "swap"],
)
def test_what_an_object_shows_of_the_model_is_what_the_model_held(ranks, parents):
    assert max(ranks(2).run(with_weights_shown, parents)) < 1e-6


# What goes wrong


def on_rank(number):
    return dist.get_rank() == number


def for_too_few():
    Rank().apply({0: 1.0})


def with_a_stranger():
    Rank().apply({0: 1.0}, {3: 1.0}, {0: 1.0})


def with_weights_that_do_not_add_up():
    Rank().apply({0: 1.0}, {0: 0.5, 1: 0.4}, {0: 1.0})


def with_another_shape():
    model = (lambda: nn.Linear(5, 3)) if on_rank(1) else (lambda: nn.Linear(5, 2))
    Rank(model=model).apply({0: 1.0}, {0: 1.0}, {2: 1.0})


def with_another_average():
    Rank(average=not on_rank(1)).apply({0: 1.0}, {0: 1.0}, {2: 1.0})


def averaged_with_an_empty_one():
    Rank(steps=0 if on_rank(1) else 1).apply(*[{0: 0.25, 1: 0.25, 2: 0.5}] * 3)


def averaged_over_different_options():
    member = Rank(steps=0)
    if on_rank(1):
        member.optimizer.param_groups[0]["amsgrad"] = False
    member.train(1, 0)
    member.apply({0: 0.5, 1: 0.5}, {1: 1.0}, {2: 1.0})


def registered_under_another_name():
    name = "ema" if on_rank(1) else "notes"
    Rank().apply({0: 1.0}, {0: 1.0}, {0: 1.0}, **{name: Notes(dist.get_rank())})


NOT_ALIKE = (
    "member {} and member {} cannot be averaged for member 0: {}; give one of them the weight 0, "
    "or let both take steps with optimizers of the same options first"
)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            for_too_few,
            "the plan is for 1 members, and the clan has 3: give each member its parents",
        ),
        (
            with_a_stranger,
            "the plan gives member 1 the parent 3: members have the numbers 0 to 2",
        ),
        (
            with_weights_that_do_not_add_up,
            (
                "the plan gives member 1 parents of weights {0: 0.5, 1: 0.4}: weights are 0 or "
                "more and add up to 1"
            ),
        ),
        (
            with_another_shape,
            (
                "member 1 cannot inherit from member 0: 'model/bias' is float32 of shape (3,) on "
                "cpu at the child and float32 of shape (2,) on cpu at the parent; build the same "
                "on every rank"
            ),
        ),
        (
            with_another_average,
            (
                "member 1 cannot inherit from member 0: 'average' is None at the child and a "
                "dict of 8 at the parent; build the same on every rank"
            ),
        ),
        (
            averaged_with_an_empty_one,
            NOT_ALIKE.format(
                2, 1, "'optimizer' is a dict of 6 at member 2 and a dict of 0 at member 1"
            ),
        ),
        (
            averaged_over_different_options,
            NOT_ALIKE.format(
                0, 1, "'optimizer/0.bias' is a dict of 4 at member 0 and a dict of 3 at member 1"
            ),
        ),
        (
            registered_under_another_name,
            (
                "member 1 cannot inherit from member 0: what is registered is ['ema'] at the "
                "child and ['notes'] at the parent; register the same on every rank"
            ),
        ),
    ],
)
def test_what_does_not_fit_is_an_error_on_every_rank(ranks, function, message):
    for raised in ranks(3).fail(function):
        assert raised.kind == "ClanError"
        assert raised.message in (message, f"rank 0: {message}")


class Refusing(Notes):
    def load_state_dict(self, state):
        raise KeyError("seen")


class Odder(Notes):
    def state_dict(self):
        return {"notes": object()}


def with_what_cannot_travel():
    notes = Odder(0) if on_rank(1) else Notes(0)
    Rank().apply({0: 1.0}, {0: 1.0}, {0: 1.0}, notes=notes)


class Doubled(Notes):
    def state_dict(self):
        return {"notes": {1: torch.ones(4), "1": torch.ones(4)}}


def with_two_of_one_name():
    notes = Doubled(0) if on_rank(1) else Notes(0)
    Rank().apply({0: 1.0}, {0: 1.0}, {0: 1.0}, notes=notes)


class Freed(Notes):
    def state_dict(self):
        notes = torch.ones(4)
        notes.untyped_storage().resize_(0)
        return {"notes": notes}


def with_memory_that_is_gone():
    notes = Freed(0) if on_rank(1) else Notes(0)
    Rank().apply({0: 1.0}, {0: 1.0}, {0: 1.0}, notes=notes)


def with_what_refuses():
    notes = Refusing(0) if on_rank(1) else Notes(0)
    Rank().apply({0: 1.0}, {0: 1.0}, {0: 1.0}, notes=notes)


def while_averages_are_in_place():
    member = Rank()
    if on_rank(1):
        member.state.average.swap_in()
    member.apply({0: 1.0}, {0: 1.0}, {0: 1.0})


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            with_what_cannot_travel,
            (
                "'registered/notes/notes' is a object, which no child can inherit: keep tensors "
                "(not sparse), numbers, texts, None, and lists, tuples and dictionaries of them "
                "in a state"
            ),
        ),
        (
            with_memory_that_is_gone,
            (
                "'registered/notes/notes' is a tensor without memory of its own, which no child "
                "can inherit: keep tensors (not sparse), numbers, texts, None, and lists, tuples "
                "and dictionaries of them in a state"
            ),
        ),
        (
            with_two_of_one_name,
            (
                "'registered/notes/notes/1' is the name of two tensors, which no child can "
                "inherit: keep tensors (not sparse), numbers, texts, None, and lists, tuples and "
                "dictionaries of them in a state"
            ),
        ),
        (
            with_what_refuses,
            (
                "what is registered as 'notes' cannot be inherited: its load_state_dict raised "
                "KeyError: 'seen'"
            ),
        ),
        (
            while_averages_are_in_place,
            (
                "the model holds its averaged weights instead of its own, so nothing can be "
                "inherited: call state.average.swap_out() first"
            ),
        ),
    ],
)
def test_what_is_wrong_on_one_rank_is_an_error_on_all(ranks, function, message):
    first, second, third = ranks(3).fail(function)
    assert {first.kind, second.kind, third.kind} == {"ClanError"}
    assert second.message == message
    assert first.message == third.message == f"rank 1: {message}"


def with_what_is_forgetful():
    notes = Notes(dist.get_rank(), is_forgetful=on_rank(2))
    Rank().apply({0: 1.0}, {0: 1.0}, {0: 1.0}, notes=notes)


def with_what_is_written_to(parents, name):
    member, take_over = Rank(), inherit.take_over

    def meddle(state, registered, inherited):
        take_over(state, registered, inherited)
        if on_rank(2):
            wrong = state.model.get_parameter(name)
            first, second = wrong.data[0].clone(), wrong.data[1].clone()
            wrong.data[0], wrong.data[1] = second, first

    mock.patch.object(inherit, "take_over", meddle).start()
    member.apply(*parents)


DO_NOT_GO_ON = (
    "; something else writes to it meanwhile, or an object's load_state_dict does not keep what it "
    "is given: do not go on from this state"
)


def test_a_child_that_is_not_like_its_parent_is_found(ranks):
    for raised in ranks(3).fail(with_what_is_forgetful):
        assert raised.message == (
            "member 2 has not become equal to member 0, its parent: they differ in "
            f"'registered/notes/mean', bit for bit{DO_NOT_GO_ON}"
        )
    copies, mean = [{0: 1.0}, {0: 1.0}, {1: 1.0}], [{0: 0.5, 1: 0.5}] * 3
    for raised in ranks(3).fail(with_what_is_written_to, copies, "3.weight"):
        assert raised.message == (
            "member 2 has not become equal to member 1, its parent: they differ in "
            f"'model/3.weight', bit for bit{DO_NOT_GO_ON}"
        )
    for raised in ranks(3).fail(with_what_is_written_to, mean, "0.bias"):
        assert raised.message == (
            "member 2 has not become equal to member 0, which has the same parents: they differ in "
            f"'model/0.bias', bit for bit{DO_NOT_GO_ON}"
        )


def absent():
    member = Rank(channel=Communication(timeout=2.0))
    if on_rank(1):
        time.sleep(3.0)
        raise ArithmeticError
    member.apply({0: 1.0}, {0: 1.0}, {0: 1.0})


def gone_in_the_middle():
    member = Rank(channel=Communication(timeout=2.0))
    member.channel.deadline = timedelta(seconds=2)
    if on_rank(1):

        def run(self):
            time.sleep(3.0)
            raise ArithmeticError

        mock.patch.object(Movement, "run", run).start()
    member.apply({1: 1.0}, {2: 1.0}, {0: 1.0})


def test_a_rank_that_is_missing_is_named(ranks):
    first, second, third = ranks(3).fail(absent)
    assert second.kind == "ArithmeticError"
    for rank, raised in ((0, first), (2, third)):
        assert raised.kind == "CommunicationError"
        assert raised.message == (
            f"rank {rank} has waited in vain at preparing; rank 1 is missing, last seen at the "
            "start of a clan; see the log of what is missing, or give slow members more than 2 s: "
            "timeout=..."
        )


def test_a_rank_that_is_lost_in_the_middle_is_named(ranks):
    first, second, third = ranks(3).fail(gone_in_the_middle)
    assert second.kind == "ArithmeticError"
    for raised in (first, third):
        assert raised.kind == "CommunicationError"
        assert raised.message.startswith("moving what is inherited failed: rank 0 is ")
        assert "rank 1 is missing, last seen at preparing" in raised.message
