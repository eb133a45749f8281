"""What holds for a clan wherever its tensors lie: the same ranks train on the CPU and on GPUs."""

import attrs
import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from clantune import Clan
from clantune_autobind import TensorDropout
from clantune_clan import Checkpoints
from clantune_core import AbstractCrossbreedingStrategy, Ancestry
from clantune_core.contracts import RecipeSettings

# ---- What the ranks do ----


def device_of(place):
    if place == "the CPU":
        return torch.device("cpu")
    device = torch.device("cuda", dist.get_rank() if place == "two GPUs" else 0)
    torch.cuda.set_device(device)
    return device


def network(device):
    torch.manual_seed(0)
    layers = nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1)
    return nn.Sequential(*layers).to(device)


def clan_of(model, **options):
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    given = {"autobind": ["adamw"], "round_length": 4, "duty_cycle": 1.0, "timeout": 60.0}
    return Clan(model=model, optimizer=optimizer, **(given | options))


def backward(model, seed):
    """Compute gradients for data that the seed decides, the same on every device."""
    device = next(model.parameters()).device
    x = torch.randn(16, 4, generator=torch.Generator().manual_seed(seed)).to(device)
    (model(x).squeeze() - x[:, 0]).square().mean().backward()


def train(member):
    """Train to the end of the round, on other data on every rank; yield before each step."""
    while not member.done:
        seed = 10 * member.steps_done + dist.get_rank()
        backward(member.model, seed)
        yield seed
        member.optimizer.step()
        member.optimizer.zero_grad()
        member.step()


def numbers(tensors):
    """Return tensors as lists, after a look at where they are."""
    device = "cuda" if torch.cuda.is_initialized() else "cpu"
    tensors = [tensor.detach() for tensor in tensors]
    assert {tensor.device.type for tensor in tensors} == {device}
    return [tensor.double().flatten().tolist() for tensor in tensors]


def weights(model):
    return numbers(model.state_dict().values())


def gradients(model):
    return numbers(parameter.grad for parameter in model.parameters())


# ---- Gradients ----


def gradients_of_a_round(place, reduction, is_wrapped):
    device = device_of(place)
    module = network(device)
    model = DistributedDataParallel(module, forward_sync_buffers=False) if is_wrapped else module
    seen = []
    with clan_of(model, duty_cycle=0.5, reduction=reduction) as clan:
        member = clan.round()
        for seed in train(member):
            alone = network(device)
            alone.load_state_dict(module.state_dict())
            backward(alone, seed)
            seen.append((member.mode, gradients(alone), gradients(module)))
    return seen


def mean(one, other):
    return [
        [(a + b) / 2 for a, b in zip(*each, strict=True)] for each in zip(one, other, strict=True)
    ]


def close(one, other):
    return all(a == pytest.approx(b, rel=1e-3, abs=1e-6) for a, b in zip(one, other, strict=True))


@pytest.fixture(params=[("exact", False), ("ddp", False), ("auto", True)])
def reduction(request):
    """How gradients are averaged, and whether the model comes in a DistributedDataParallel."""
    return request.param


def test_members_share_gradients_in_cooperation_only(two_ranks, reduction):
    for first, second in zip(*two_ranks(gradients_of_a_round, *reduction), strict=True):
        (mode, own, used), (_, other, used_there) = first, second
        assert not close(own, other)
        if mode == "cooperative":
            assert used == used_there
            assert close(used, mean(own, other))
        else:
            assert close(used, own)
            assert close(used_there, other)


# ---- Genes ----


def genes_and_tensors(place):
    """Express two genes into tensors: a learning rate, and the probability of dropout."""
    device = device_of(place)
    model = nn.Sequential(nn.Linear(4, 8), TensorDropout(0.1), nn.Linear(8, 1)).to(device)
    rate = torch.tensor(0.01, device=device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, capturable=place != "the CPU")
    options = {"autobind": ["adamw", "dropout"], "round_length": 4, "duty_cycle": 1.0}
    with Clan(model=model, optimizer=optimizer, timeout=60.0, **options) as clan:
        member = clan.round()
        assert optimizer.param_groups[0]["lr"] is rate
        genes = [member.get_gene("lr"), member.get_gene("dropout")]
        return genes, numbers([rate, model[1].p])


def test_genes_are_expressed_into_the_tensors_of_the_model_and_the_optimizer(two_ranks):
    answers = two_ranks(genes_and_tensors)
    for genes, tensors in answers:
        assert [value for (value,) in tensors] == pytest.approx(genes, rel=1e-6)
    assert answers[0][0] != answers[1][0]


# ---- The running average ----


def weights_and_their_average(place):
    seen = []
    with clan_of(network(device_of(place))) as clan:
        member = clan.round()
        for _ in train(member):
            seen.append(weights(member.model))
            with member.averaged() as model:
                average = weights(model)
            assert weights(member.model) == seen[-1]
    return seen, average


def test_the_average_lies_between_the_weights_of_all_steps(two_ranks):
    for seen, average in two_ranks(weights_and_their_average):
        assert average != seen[-1]
        for steps, averaged in zip(zip(*seen, strict=True), average, strict=True):
            for values, value in zip(zip(*steps, strict=True), averaged, strict=True):
                assert min(values) - 1e-6 <= value <= max(values) + 1e-6


# ---- Inheritance ----


@attrs.frozen
class From(AbstractCrossbreedingStrategy):
    """Gives every member its parents: for each rank, the weights of all ranks."""

    parents: tuple[tuple[float, ...], ...]

    def select_ancestry(self, population_genomes, context):
        return Ancestry.from_weights(self.parents[context.rank], population_genomes)


def state_of(member):
    moments = [
        state[name] for state in member.optimizer.state.values() for name in ("exp_avg", "step")
    ]
    return weights(member.model) + [[float(value) for value in each.flatten()] for each in moments]


def before_and_after_inheritance(place, inheritance, parents):
    settings = RecipeSettings(inheritance=inheritance, evaluate="weights")
    model = network(device_of(place))
    with clan_of(model, strategies=[From(parents)], settings=settings) as clan:
        member = clan.round()
        for _ in train(member):
            pass
        before = state_of(member)
        clan.step(float(dist.get_rank()))
        return before, state_of(clan.round())


PLANS = {
    "copy": ("sampled", ((1.0, 0.0), (1.0, 0.0))),
    "swap": ("sampled", ((0.0, 1.0), (1.0, 0.0))),
    "mean": ("mean", ((1.0, 1.0), (1.0, 1.0))),
}


@pytest.fixture(params=PLANS)
def plan(request):
    """How weights are inherited, and the parents of each member."""
    return PLANS[request.param]


def test_children_have_the_weights_and_moments_of_their_parents(two_ranks, plan):
    inheritance, parents = plan
    answers = two_ranks(before_and_after_inheritance, inheritance, parents)
    (first, _), (second, _) = answers
    assert not close(first, second)
    for (_, after), (from_first, from_second) in zip(answers, parents, strict=True):
        if from_first and from_second:
            assert close(after, mean(first, second))
        else:
            assert after == (first if from_first else second)


# ---- The best weights ----


def best_weights(place):
    settings = RecipeSettings(inheritance="sampled", evaluate="weights")
    everybody_from_the_first = From(((1.0, 0.0), (1.0, 0.0)))
    with clan_of(
        network(device_of(place)), strategies=[everybody_from_the_first], settings=settings
    ) as clan:
        member = clan.round()
        for _ in train(member):
            pass
        mine = weights(member.model)
        clan.step((0.3, 0.1)[dist.get_rank()])
        clan.round()
        return mine, weights(clan.best())


def test_the_best_weights_are_handed_to_all_ranks(two_ranks):
    (_, at_first), (second, at_second) = two_ranks(best_weights)
    assert at_first == at_second == second


# ---- Checkpoints ----


def saved_and_resumed(place, folder):
    """Save in the background while a round trains; return what is saved and what is resumed."""
    device = device_of(place)
    with clan_of(network(device), checkpoints=Checkpoints(folder, background=True)) as clan:
        for _ in train(clan.round()):
            pass
        clan.step(0.1 * dist.get_rank())
        member = clan.round()
        saved = state_of(member)
        best = weights(clan.best())
        for _ in train(member):
            pass
        assert state_of(member) != saved
    with clan_of(network(device)) as clan:
        clan.resume(folder)
        resumed = state_of(clan.round())
    model = network(device)
    model.load_state_dict(load_file(f"{folder}/best.safetensors"))
    return saved, resumed, best, weights(model)


def test_a_run_that_trains_on_is_saved_as_it_was(two_ranks, tmp_path):
    for saved, resumed, best, found in two_ranks(saved_and_resumed, str(tmp_path)):
        assert resumed == saved
        assert found == best
