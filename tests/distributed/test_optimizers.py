"""Several optimizers of one model: a GAN, a backbone and a head."""

import pytest
import torch
import torch.distributed as dist
from by_hand import mean_over
from going_on import Script, assert_goes_on, outcome
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from clantune_clan import Clan
from clantune_strategies import as_specified, factorial

TIMEOUT, STEPS, LENGTH = 20.0, 24, 6
RECIPES = {"factorial": factorial, "as specified": as_specified}
POINTS = torch.randn(400, 2, generator=torch.Generator().manual_seed(1)) * 0.5 + 2.0
DATA = torch.utils.data.TensorDataset(POINTS)


class Gan(nn.Module):
    def __init__(self):
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
        self.critic = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, noise):
        return self.critic(self.generator(noise))


def gan(recipe="factorial", **options):
    torch.manual_seed(0)
    model = Gan()
    optimizers = {
        "generator": torch.optim.AdamW(model.generator.parameters(), lr=0.01, weight_decay=0.1),
        "critic": torch.optim.SGD(model.critic.parameters(), lr=0.05, momentum=0.5),
    }
    given = {"total_steps": STEPS, "round_length": LENGTH, "timeout": TIMEOUT}
    given |= {"autobind": {"generator": ["adamw"], "critic": ["sgd"]}, "reduction": "exact"}
    clan = Clan(model=model, optimizer=optimizers, strategies=RECIPES[recipe](), **given | options)
    return clan, clan.loader(DATA, 8, drop_last=True)


def train_on(clan, member, batch):
    """Train the critic, then the generator, as in PyTorch's own tutorial.

    The backward pass of the generator leaves gradients in the critic, which are zeroed before the
    next pass of the critic.
    """
    (real,), model, optimizers = batch, member.model, member.optimizer
    ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)
    optimizers["critic"].zero_grad()
    fake = model.generator(torch.randn(len(real), 2))
    binary_cross_entropy_with_logits(model.critic(real), ones).backward()
    binary_cross_entropy_with_logits(model.critic(fake.detach()), zeros).backward()
    optimizers["critic"].step()
    optimizers["generator"].zero_grad()
    binary_cross_entropy_with_logits(model.critic(fake), ones).backward()
    optimizers["generator"].step()


def judge(model):
    noise = torch.randn(64, 2, generator=torch.Generator().manual_seed(2))
    return (model.generator(noise).mean(0) - 2.0).square().sum()


SCRIPT = Script(gan, train_on, judge)


def script(method, *arguments):
    return getattr(SCRIPT, method)(*arguments)


@pytest.mark.parametrize(
    ("recipe", "options"), [("factorial", {}), ("as specified", {"duty_cycle": 0.5})]
)
def test_a_gan_trains_through_all_phases_and_goes_on_as_if_never_stopped(
    ranks, tmp_path, recipe, options
):
    wanted = assert_goes_on(ranks(4), script, recipe, options, [9, 12], LENGTH, tmp_path)
    _, _, records, _ = wanted[0]
    assert len(records) == 4 * STEPS / LENGTH
    genes = {"generator/lr", "generator/weight_decay", "critic/lr", "critic/momentum"}
    assert genes <= {*records[0]["genes"]}
    assert len({record["genes"]["critic/lr"] for record in records}) > 4
    assert all(len(record["learning_rates"]) == 2 for record in records)


COMPETING = {"duty_cycle": 0.5}


def begun_elsewhere(folder):
    clan, loader = gan("as specified", **COMPETING)
    clan.resume(folder)
    clan.round()
    begun, *_ = outcome(clan)
    SCRIPT.train(clan, loader)
    return begun


@pytest.mark.parametrize("count", [2, 4])
def test_a_gan_goes_on_with_fewer_or_more_members(ranks, tmp_path, count):
    saved = ranks(3).run(script, "stopped", "as specified", COMPETING, [10], str(tmp_path))
    begun = ranks(count).run(begun_elsewhere, str(tmp_path))
    assert len({*map(str, begun)}) == min(3, count)
    assert all(each in [tensors for tensors, *_ in saved] for each in begun)


class BodyAndHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(2, 8), nn.Linear(8, 1)

    def forward(self, x):
        return self.head(torch.tanh(self.body(x)))


def distance_of_body_and_head(reduction):
    """Train with an optimizer for each part; return how far it is from training by hand."""
    torch.manual_seed(0)
    model, twin = BodyAndHead(), BodyAndHead()
    twin.load_state_dict(model.state_dict())
    given, by_hand = _optimizers(model), _optimizers(twin)
    clan = Clan(
        model=model,
        optimizer=given,
        autobind={"body": ["adamw"], "head": ["sgd"]},
        round_length=4,
        duty_cycle=0.0,
        reduction=reduction,
        timeout=TIMEOUT,
    )
    member = clan.round()
    for gene in ("body/lr", "body/weight_decay", "head/lr"):
        name, setting = gene.split("/")
        by_hand[name].param_groups[0][setting] = member.get_gene(gene)
    for step in range(3):
        x = POINTS[8 * step + 100 * dist.get_rank() :][:8]
        own = torch.autograd.grad(twin(x).square().mean(), [*twin.parameters()])
        means = mean_over(own, dist.get_world_size())
        for parameter, mean in zip(twin.parameters(), means, strict=True):
            parameter.grad = mean
        member.model(x).square().mean().backward()
        for each in (*member.optimizers.values(), *by_hand.values()):
            each.step()
            each.zero_grad()
        member.step()
    clan.close()
    pairs = zip(model.parameters(), twin.parameters(), strict=True)
    return max(float((mine - wanted).detach().abs().max()) for mine, wanted in pairs)


@pytest.mark.parametrize("reduction", ["exact", "ddp"])
def test_a_body_and_a_head_take_their_own_steps(ranks, reduction):
    assert max(ranks(2).run(distance_of_body_and_head, reduction)) < 1e-6


def _optimizers(model):
    return {
        "body": torch.optim.AdamW(model.body.parameters(), lr=0.01),
        "head": torch.optim.SGD(model.head.parameters(), lr=0.02),
    }


def with_optimizers_that_differ(differs):
    torch.manual_seed(0)
    model = BodyAndHead()
    optimizers = _optimizers(model)
    if dist.get_rank() == 1:
        optimizers = differs(model, optimizers)
    clan = Clan(model=model, optimizer=optimizers, round_length=4, timeout=TIMEOUT)
    clan.round()


def of_another_order(_, optimizers):
    return {"head": optimizers["head"], "body": optimizers["body"]}


def with_momentum(model, optimizers):
    head = torch.optim.SGD(model.head.parameters(), lr=0.02, momentum=0.5)
    return {**optimizers, "head": head}


def order_differs():
    with_optimizers_that_differ(of_another_order)


def momentum_differs():
    with_optimizers_that_differ(with_momentum)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            momentum_differs,
            (
                "the ranks differ in the optimizer: head/param_groups/0/momentum is 0 on rank 0 "
                "and 0.5 on rank 1; build the same on every rank"
            ),
        ),
        (
            order_differs,
            (
                "the ranks differ in the optimizer: number 1 is body/class on rank 0 and "
                "head/class on rank 1; build the same on every rank"
            ),
        ),
    ],
)
def test_ranks_with_other_optimizers_are_told_so(ranks, function, message):
    for raised in ranks(2).fail(function):
        assert raised.message == message
