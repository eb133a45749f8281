"""Several optimizers of one model: a GAN, a backbone and a head."""

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from clantune_autobind import adamw
from clantune_clan import Clan
from clantune_core.contracts import Expressed
from clantune_strategies import as_specified, factorial

TIMEOUT, STEPS, LENGTH = 20.0, 36, 6
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
    torch.manual_seed(100 + dist.get_rank() if dist.is_initialized() else 100)
    return clan, clan.loader(DATA, 8, drop_last=True)


def step_of_gan(member, real):
    """Train the critic, then the generator, as in PyTorch's own tutorial.

    The backward pass of the generator leaves gradients in the critic, which are zeroed before the
    next pass of the critic.
    """
    model, optimizers = member.model, member.optimizer
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


def train(clan, loader, saves=(), folder=None):
    """Train to the end, or to the last of the steps at which a checkpoint is written."""
    member = clan.round()
    while not clan.finished:
        for (real,) in loader:
            step_of_gan(member, real)
            member.step()
            step = member.steps_done
            if member.done:
                clan.step(judge)
            if step in saves:
                clan.save(folder)
                if step == max(saves):
                    return
            if member.done:
                member = clan.round()


def outcome(clan):
    """Return all that a run leads to, in bits."""
    state = clan._state
    tensors = [*state.model.state_dict().values()]
    for optimizer in state.optimizers.values():
        for entry in optimizer.state.values():
            tensors += [tensor for tensor in entry.values() if tensor is not None]
    records = [{**record.as_data(), "seconds": {}} for record in clan.history]
    return [tensor.tolist() for tensor in tensors], clan.genome.serialize(), records


def never_stopped(recipe, options):
    clan, loader = gan(recipe, **options)
    train(clan, loader)
    return outcome(clan)


def stopped(recipe, options, steps, folder):
    clan, loader = gan(recipe, **options)
    train(clan, loader, steps, folder)


def resumed(recipe, options, folder):
    clan, loader = gan(recipe, **options)
    clan.resume(folder)
    train(clan, loader)
    return outcome(clan)


@pytest.mark.parametrize(
    ("recipe", "options"), [("factorial", {}), ("as specified", {"duty_cycle": 0.5})]
)
def test_a_gan_trains_through_all_phases_and_goes_on_as_if_never_stopped(
    ranks, tmp_path, recipe, options
):
    wanted = ranks(4).run(never_stopped, recipe, options)
    records = wanted[0][-1]
    assert len(records) == 4 * STEPS / LENGTH
    genes = {"generator/lr", "generator/weight_decay", "critic/lr", "critic/momentum"}
    assert genes <= {*records[0]["genes"]}
    assert len({record["genes"]["critic/lr"] for record in records}) > 4
    assert all(len(record["learning_rates"]) == 2 for record in records)
    steps = [5, 12, 22]
    ranks(4).run(stopped, recipe, options, steps, str(tmp_path))
    for step in steps:
        folder = str(tmp_path / f"step-{step:09d}-round-{step // LENGTH:05d}")
        assert ranks(4).run(resumed, recipe, options, folder) == wanted, step
