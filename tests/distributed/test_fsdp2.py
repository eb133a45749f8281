"""Members whose model `fully_shard` has sharded over their ranks: 2 x 2 ranks, if not said."""

import warnings
import weakref
from unittest import mock

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor.debug import CommDebugMode
from torch.utils.checkpoint import checkpoint

from clantune_clan import Communication, Individual, build_state
from clantune_clan.communication import buckets
from clantune_clan.communication.mesh import member_mesh
from clantune_clan.inheritance import Inheritance, Plan, movement
from clantune_clan.reduction.loss_scale import LossScale
from clantune_core import Genome

TIMEOUT = 20.0


KINDS = {
    "bfloat16": {
        "mp_policy": MixedPrecisionPolicy(torch.bfloat16, reduce_dtype=torch.float32),
    },
    "kept": {"reshard_after_forward": False},
    "twice": {},
    "checkpointing": {},
    "frozen": {},
}
"""Options of `fully_shard` for kinds of models."""


class Net(nn.Module):
    """A model with a shard of 4 + 3 rows, and an empty one."""

    def __init__(self, kind=None):
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(6, 7), nn.BatchNorm1d(7), nn.Linear(7, 1)
        self.unused = nn.Linear(2, 2)
        self.kind = kind
        if kind == "bfloat16":
            self.norm = nn.LayerNorm(7)
        if kind == "frozen":
            self.first.requires_grad_(False)

    def forward(self, x):
        if self.kind == "checkpointing":
            x = checkpoint(self.first, x, use_reentrant=False)
        else:
            x = self.first(x)
        x = torch.tanh(self.norm(x))
        return self.last(x) + self.last(2 * x) if self.kind == "twice" else self.last(x)


def net(seed=0, kind=None):
    torch.manual_seed(seed)
    return Net(kind)


def sharded(mesh, model=None):
    model = net() if model is None else model
    options = KINDS.get(model.kind, {})
    # Frozen parameters and a head are in one module, where a rank has only padding of the head.
    for layer in [] if model.kind == "frozen" else [model.first, model.last]:
        fully_shard(layer, mesh=mesh, **options)
    return fully_shard(model, mesh=mesh, **options)


class Rank:
    """One rank of a clan of sharded members, with different weights on each before the setup."""

    def __init__(
        self, num_members=2, *, lr=0.01, model=None, ema=False, optimizer=torch.optim.AdamW
    ):
        self.channel = Communication(num_members=num_members, timeout=TIMEOUT)
        self.mesh = member_mesh(self.channel)
        self.model = sharded(self.mesh, model or net(self.channel.rank))
        self.optimizer = optimizer(self.model.parameters(), lr=lr)
        self.state = build_state(Genome(), self.model, self.optimizer, self.channel, ema=ema)

    def round(self, length=4, duty_cycle=0.5, **options):
        return Individual(self.state, self.channel, length, duty_cycle, **options)

    def step(self, individual):
        self.optimizer.step()
        self.optimizer.zero_grad()
        individual.step()

    def shards(self):
        return {name: p.detach().to_local().tolist() for name, p in self.model.named_parameters()}


def batch(rank, step):
    return torch.randn(5, 6, generator=torch.Generator().manual_seed(1000 * step + rank))


def loss_of(model, rank, step):
    return model(batch(rank, step)).square().mean()


def mean_by_hand(model, steps, ranks):
    """The mean over ranks of the gradient of some batches, on an unsharded copy, by name."""
    twin = net(kind=model.kind)
    twin.load_state_dict(
        {n: getattr(t, "full_tensor", lambda t=t: t)() for n, t in model.state_dict().items()}
    )
    for step in steps:
        loss_of(twin, dist.get_rank(), step).backward()
    means = {}
    for name, parameter in twin.named_parameters():
        if parameter.grad is not None:
            every = [torch.empty_like(parameter) for _ in range(dist.get_world_size())]
            dist.all_gather(every, parameter.grad)
            means[name] = torch.stack([every[rank] for rank in ranks]).mean(0)
    return means


def error(model, wanted):
    """Return how far the gradients of a sharded model are from those by name."""
    found = {n: p.grad.full_tensor() for n, p in model.named_parameters() if p.grad is not None}
    assert {*wanted} <= {*found}
    return max(float((found[name] - wanted[name]).abs().max()) for name in wanted)


STYLES = ["each", "sync_context", "accumulated", "paused", "unsynced", "compiled", "zero first"]
SEVERAL = ["accumulated", "paused", "unsynced"]


def in_both_phases(style, num_members, kind=None):
    """Return by phase how far gradients are from those by hand."""
    rank = Rank(num_members, model=net(kind=kind))
    me, individual = rank.channel, rank.round()
    size = me.ranks_per_member
    model = individual.model
    if style == "compiled":
        # torch warns of its own look at tensors between two graphs.
        warnings.filterwarnings("ignore", "The .grad attribute of a Tensor that is not a leaf")
        model = torch.compile(model, backend="eager")
    errors = {"cooperative": [], "competitive": []}
    while not individual.done:
        mode, step = individual.mode, 3 * individual.steps_done
        first = me.member_index * size
        peers = range(me.world_size) if mode == "cooperative" else range(first, first + size)
        steps = range(step, step + 3) if style in SEVERAL else [step]
        wanted = mean_by_hand(rank.model, steps, peers)
        if style == "zero first":
            rank.optimizer.zero_grad()
        for micro in steps:
            if style == "unsynced":
                rank.model.set_requires_gradient_sync(micro == steps[-1])
            loss = loss_of(model, me.rank, micro)
            if style in ("sync_context", "paused"):
                with individual.sync_context(sync=style != "paused" or micro == steps[-1]):
                    loss.backward()
            else:
                loss.backward()
        errors[mode].append(error(rank.model, wanted))
        rank.optimizer.step()
        if style != "zero first":
            rank.optimizer.zero_grad()
        individual.step()
    gradients = rank.state.gradients
    return errors, gradients.name, gradients.averaged


@pytest.mark.parametrize("style", STYLES)
def test_the_gradients_of_each_phase_are_those_by_hand(ranks, style):
    for errors, name, averaged in ranks(4).run(in_both_phases, style, 2):
        assert (name, averaged >= 4) == ("fsdp", True)
        assert len(errors["cooperative"]) == len(errors["competitive"]) == 2
        assert max(errors["cooperative"] + errors["competitive"]) < 1e-6


@pytest.mark.parametrize("style", ["each", "paused"])
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_models_get_their_gradients(ranks, kind, style):
    for errors, _, _ in ranks(4).run(in_both_phases, style, 2, kind):
        allowed = 0.01 if kind == "bfloat16" else 1e-6
        assert max(errors["cooperative"] + errors["competitive"]) < allowed


@pytest.mark.parametrize(("size", "num_members"), [(2, 1), (2, 2)])
def test_one_member_and_members_of_one_rank_work_too(ranks, size, num_members):
    for errors, _, _ in ranks(size).run(in_both_phases, "paused", num_members):
        assert max(errors["cooperative"] + errors["competitive"]) < 1e-6


def fifty_steps():
    """Return the weights of a clan of equal members, and those of plain FSDP2, after each step."""
    rank = Rank(lr=0.05, model=net())
    place, found = rank.channel.rank % 2, []
    individual = rank.round(50, 0.2)
    while not individual.done:
        loss_of(individual.model, place, individual.steps_done).backward()
        rank.step(individual)
        found.append(rank.shards())
    rank.state.close()
    rank.model, plain = sharded(rank.mesh), []
    optimizer = torch.optim.AdamW(rank.model.parameters(), lr=0.05)
    for step in range(50):
        loss_of(rank.model, place, step).backward()
        optimizer.step()
        optimizer.zero_grad()
        plain.append(rank.shards())
    return found, plain


def test_a_clan_of_equal_members_is_plain_fsdp2_bit_for_bit(ranks):
    answers = ranks(4).run(fifty_steps)
    assert len(answers[0][0]) == 50
    for found, plain in answers:
        assert found == plain
    assert answers[0][1] == answers[2][1] != answers[1][1]


# Members that are not finite


def not_finite(factors, style, kind=None):
    """Return whether the gradient is that of the sound member, and what was left out."""
    rank = Rank(model=net(kind=kind))
    me, individual = rank.channel.rank, rank.round(1, 0.0)
    wanted = mean_by_hand(rank.model, [0, 1] if style == "paused" else [1], [0, 1])
    if style == "paused":
        with individual.sync_context(sync=False):
            (loss_of(rank.model, me, 0) * factors[me]).backward()
    elif style == "accumulated":  # the pass before is averaged over all, and stays so
        wanted = mean_by_hand(rank.model, [0], range(4))
        loss_of(rank.model, me, 0).backward()
        for name, gradient in mean_by_hand(rank.model, [1], [0, 1]).items():
            wanted[name] += gradient
    (loss_of(rank.model, me, 1) * factors[me]).backward()
    gradients = rank.state.gradients
    has_none = all(p.grad is None for p in rank.model.parameters())
    off = None if has_none else error(rank.model, wanted)
    return off, gradients.left_out, gradients.skipped


NAN = float("nan")


@pytest.mark.parametrize("style", ["each", "accumulated", "paused"])
@pytest.mark.parametrize("factors", [[1.0, 1.0, NAN, NAN], [1.0, 1.0, 1.0, NAN]])
def test_a_member_that_is_not_finite_does_not_count(ranks, style, factors):
    for rank, (off, left_out, skipped) in enumerate(ranks(4).run(not_finite, factors, style)):
        assert off < 1e-6
        # A rank without values, as place 1 has none in the last layer, still knows of the others.
        assert (left_out, skipped) == (int(rank >= 2), 0)


def test_padding_does_not_count_as_a_sound_shard(ranks):
    answers = ranks(4).run(not_finite, [1.0, 1.0, NAN, NAN], "each", "frozen")
    assert max(off for off, _, _ in answers) < 1e-6
    assert [counts for _, *counts in answers] == [[0, 0], [0, 0], [1, 0], [1, 0]]


def test_nothing_is_handed_out_if_no_member_is_finite(ranks):
    assert ranks(4).run(not_finite, [1.0, NAN, NAN, 1.0], "each") == [(None, 1, 1)] * 4


class Halved(torch.autograd.Function):
    """Passes a value on, and a gradient that is not finite."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * NAN


def not_finite_in_part():
    rank = Rank()
    individual, model = rank.round(1, 0.0), rank.model
    is_first = rank.channel.rank == 0
    model.norm.register_forward_hook(lambda _, __, x: Halved.apply(x) if is_first else x)
    loss_of(individual.model, rank.channel.rank, 0).backward()
    gradients = rank.state.gradients
    return [p.grad for p in model.parameters()], gradients.left_out, gradients.skipped


def test_all_members_skip_a_pass_that_is_finite_in_part(ranks):
    for rank, found in enumerate(ranks(4).run(not_finite_in_part)):
        assert found == ([None] * 8, int(rank < 2), 1)


def with_earlier_gradients():
    """Accumulate on all ranks, and zero the gradients on those of one member alone."""
    rank = Rank()
    individual = rank.round(1, 0.0)
    with individual.sync_context(sync=False):
        loss_of(individual.model, rank.channel.rank, 0).backward()
    if rank.channel.member_index == 0:
        rank.optimizer.zero_grad()
    loss_of(individual.model, rank.channel.rank, 1).backward()


def test_gradients_of_earlier_passes_on_some_ranks_are_an_error(ranks):
    for raised in ranks(4).fail(with_earlier_gradients):
        assert raised.message == (
            "2 of 4 ranks have gradients of passes that were not averaged: every rank calls "
            "sync_context(sync=False) and zero_grad() as the others do"
        )


def with_a_scaler(overflows):
    """Return the scale, and whether the weights have changed, after each step."""
    rank = Rank()
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    rank.state.gradients.loss_scale = LossScale(scaler)
    individual, found = rank.round(2, 0.0), []
    for factor in overflows[rank.channel.rank]:
        before = rank.shards()
        scaler.scale(loss_of(individual.model, rank.channel.rank, 0) * factor).backward()
        scaler.step(rank.optimizer)
        scaler.update()
        rank.optimizer.zero_grad()
        found.append((scaler.get_scale(), rank.shards() == before))
    return found


def test_a_scaler_backs_off_on_all_ranks_if_no_member_is_finite(ranks):
    overflows = [[1.0, NAN], [NAN, NAN], [1.0, NAN], [1.0, 1.0]]
    assert ranks(4).run(with_a_scaler, overflows) == [[(8.0, False), (4.0, True)]] * 4


# Half clans


def in_half_clans(sides, num_members):
    rank = Rank(num_members)
    size, side = rank.channel.ranks_per_member, sides[rank.channel.member_index]
    individual = rank.round(1, 0.0, half_clan=side)
    half = [r for r in range(rank.channel.world_size) if sides[r // size] is side]
    wanted = mean_by_hand(rank.model, [0], half)
    loss_of(individual.model, rank.channel.rank, 0).backward()
    return error(rank.model, wanted)


@pytest.mark.parametrize(
    ("sides", "size"),
    [
        ([True, False], 4),
        ([True, True], 4),
        ([True, False, True, False], 4),
        ([True, False, True, False], 8),
    ],
)
def test_half_clans_average_within_their_side(ranks, sides, size):
    assert max(ranks(size).run(in_half_clans, sides, len(sides))) < 1e-6


# Weights


def first_weights():
    rank = Rank()
    return rank.shards()


def test_all_members_begin_with_the_shards_of_member_0(ranks):
    answers = ranks(4).run(first_weights)
    assert answers[0] == answers[2] != answers[1] == answers[3]
    assert [len(each["first.weight"]) for each in answers] == [4, 3, 4, 3]
    assert [len(each["last.weight"]) for each in answers] == [1, 0, 1, 0]


def averaged_weights():
    """Return losses of own and averaged weights, by the sharded model and by a plain one."""
    rank = Rank(ema=True)
    individual, x, losses = rank.round(4, 1.0), batch(9, 9), []
    while not individual.done:
        loss_of(individual.model, rank.channel.rank, individual.steps_done).backward()
        rank.step(individual)

    def loss_now():
        rank.model.eval()
        with torch.no_grad():
            # The second pass must not use what the first one has gathered.
            losses.append(rank.model(x).square().mean().item())
            plain = net()
            entries = rank.model.state_dict().items()
            plain.load_state_dict(
                {n: getattr(t, "full_tensor", lambda t=t: t)() for n, t in entries}
            )
            losses.append(plain.eval()(x).square().mean().item())
        return losses[-2]

    own = loss_now()
    with individual.averaged():
        averaged = loss_now()
    assert averaged != own
    assert loss_now() == own
    return losses


def test_averaged_weights_are_those_that_a_forward_pass_uses(ranks):
    for losses in ranks(4).run(averaged_weights):
        assert losses[::2] == pytest.approx(losses[1::2], rel=1e-5)


def train(rank, steps, seed):
    """Train a member alone."""
    for step in range(steps):
        loss_of(rank.model, seed, step).backward()
        rank.optimizer.step()
        rank.optimizer.zero_grad()


def moments(optimizer):
    entries = [*optimizer.state.values()]
    kinds = {type(entry["exp_avg"]).__name__ for entry in entries}
    found = [
        [e["exp_avg"].to_local().tolist(), e["exp_avg_sq"].to_local().tolist()] for e in entries
    ]
    return kinds, found, [entry["step"].item() for entry in entries]


def inheriting(parents, steps):
    """Return shards and moments before an inheritance, after it, and two steps later."""
    rank = Rank(ema=True)
    rank.state.gradients.average_over(rank.channel.own)
    member = rank.channel.member_index
    train(rank, steps[member], 10 + rank.channel.rank)
    if steps[member]:
        rank.state.average.update(rank.state.average.every)
    found = [(rank.shards(), moments(rank.optimizer))]
    inheritance = Inheritance(rank.state, rank.channel)
    digests = rank.channel.together("preparing", inheritance.prepare)
    inheritance.apply(Plan(parents), digests)
    found.append((rank.shards(), moments(rank.optimizer)))
    train(rank, 2, 50 + rank.channel.rank % 2)
    return [*found, (rank.shards(), moments(rank.optimizer))]


@pytest.mark.parametrize("steps", [(2, 3), (2, 0)], ids=["full", "empty"])
def test_children_inherit_shard_by_shard(ranks, steps):
    answers = ranks(4).run(inheriting, [{0: 1.0}, {0: 1.0}], steps)
    for place in (0, 1):
        parent, child = answers[place], answers[place + 2]
        assert parent[0][0] != child[0][0]
        assert child[1] == parent[1] == parent[0]
        assert child[2] == parent[2] != parent[1]
        assert child[1][1][0] == {"DTensor"}


def test_members_exchange_shards(ranks):
    answers = ranks(4).run(inheriting, [{1: 1.0}, {0: 1.0}], (2, 3))
    for rank, found in enumerate(answers):
        assert found[1] == answers[(rank + 2) % 4][0]


def test_the_mean_of_members_is_that_of_their_shards(ranks):
    answers = ranks(4).run(inheriting, [{0: 0.5, 1: 0.5}] * 2, (2, 2))
    for place in (0, 1):
        one, other = answers[place], answers[place + 2]
        assert one[1] == other[1]
        for name, shard in one[1][0].items():
            mean = (torch.tensor(one[0][0][name]) + torch.tensor(other[0][0][name])) / 2
            assert torch.allclose(torch.tensor(shard), mean, atol=1e-6)


class Summing(torch.optim.SGD):
    """An optimizer that keeps the sum of each parameter."""

    def step(self, closure=None):
        super().step(closure)
        for parameter in self.param_groups[0]["params"]:
            self.state[parameter]["sum"] = parameter.detach().sum()


def with_another_optimizer():
    rank = Rank(optimizer=Summing)
    rank.state.gradients.average_over(rank.channel.own)
    train(rank, 1, 0)
    return Inheritance(rank.state, rank.channel).prepare()


def test_an_optimizer_whose_state_has_other_shards_is_refused(ranks):
    for raised in ranks(4).fail(with_another_optimizer):
        assert raised.message == (
            "Summing keeps a tensor of shape () for a sharded parameter of (7, 6), which no other "
            "rank can load: choose an optimizer whose tensors have the shape of the parameter, "
            "such as AdamW"
        )


SMALL = 256


def most_staged(parents):
    """Return the most bytes of buckets that lay in memory at once, and the gathered parameters."""
    mock.patch.object(buckets, "LIMIT", SMALL).start()  # until the job ends
    rank = Rank()
    empty, lying, most = buckets.Bucket.empty, [], [0]

    def counted(*arguments):
        tensor = empty(*arguments)
        lying.append(tensor.nbytes)
        weakref.finalize(tensor, lying.remove, tensor.nbytes)
        most.append(sum(lying))
        return tensor

    train(rank, 1, rank.channel.rank)  # so that the optimizer has state
    mock.patch.object(buckets.Bucket, "empty", counted).start()
    inheritance = Inheritance(rank.state, rank.channel)
    with CommDebugMode() as communication:
        digests = rank.channel.together("preparing", inheritance.prepare)
        inheritance.apply(Plan(parents), digests)
    assert not {"all_gather_into_tensor", "reduce_scatter_tensor"} & {
        str(operation).rpartition(".")[2] for operation in communication.get_comm_counts()
    }, communication.get_comm_counts()
    assert empty is not counted
    return max(most)


@pytest.mark.parametrize("parents", [[{1: 1.0}, {0: 1.0}], [{0: 0.5, 1: 0.5}] * 2])
def test_a_turnover_has_a_few_buckets_in_memory_and_gathers_nothing(ranks, parents):
    for most in ranks(4).run(most_staged, parents):
        assert 0 < most <= 2 * (movement.AHEAD + 1) * SMALL
