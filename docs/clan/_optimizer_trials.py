"""Trials of one optimizer in a clan of two members; all ranks call each function together."""

from __future__ import annotations

import copy
import functools
import inspect
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim import Optimizer

from clantune_clan import Clan, ClanError
from clantune_core import Genome, load_preset
from clantune_core.contracts import Expressed
from clantune_strategies import Everyone, Gaussian, TopN

YES = "yes"
ROUND = 3  # steps

# Settings that are 0 by default are used, so that they have a gene, and eps is large enough to act.
SETTINGS: Mapping[str, Any] = {
    "lr": 0.02,
    "weight_decay": 0.1,
    "momentum": 0.9,
    "lr_decay": 0.01,
    "lambd": 0.01,
    "eps": 1e-3,
}
OTHERS: Mapping[str, Mapping[str, Any]] = {"Adafactor": {"eps": (1e-3, 1e-3)}}

X = torch.linspace(-1.0, 1.0, 32).reshape(8, 4)


def settings_of(kind: type[Optimizer]) -> dict[str, Any]:
    """Return settings for an optimizer, of those that it has."""
    known = inspect.signature(kind).parameters
    given = {**SETTINGS, **OTHERS.get(kind.__name__, {})}
    return {name: value for name, value in given.items() if name in known}


def make(kind: type[Optimizer], groups: int = 1, **options: Any) -> tuple[nn.Module, Optimizer]:
    """Return a small model and its optimizer, with equal weights each time."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Tanh(), nn.Linear(4, 2, bias=False))
    parameters = [*model.parameters()]
    listed = [{"params": parameters}] if groups == 1 else [{"params": [p]} for p in parameters]
    return model, kind(listed, **{**settings_of(kind), **options})


@functools.cache
def preset_of(kind: type[Optimizer]) -> Any:
    """Return the preset that fits an optimizer."""
    return load_preset("auto", make(kind)[1])


def genes_of(kind: type[Optimizer]) -> dict[str, Any]:
    """Return the genes that the preset for an optimizer binds."""
    return dict(preset_of(kind)(*make(kind)))


def evolving(kind: type[Optimizer]) -> list[str]:
    """Return the names of the genes that evolve."""
    return [name for name, allele in genes_of(kind).items() if allele.can_mutate]


def first_line(trial: Callable[[], str]) -> str:
    """Return the result of a trial, or the first line of the error."""
    try:
        return trial()
    except (ClanError, RuntimeError, ValueError, AssertionError) as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"


@functools.cache
def refusal(kind: type[Optimizer]) -> str:
    """Return the message with which a clan refuses an optimizer, or an empty text."""
    model, optimizer = make(kind)
    try:
        Clan(model=model, optimizer=optimizer, round_length=ROUND).close()
    except ClanError as error:
        return str(error)
    return ""


def follows(kind: type[Optimizer], *, per_group: bool = False, **options: Any) -> str:
    """Return whether each step equals the step of another optimizer with the values of the genes.

    All genes change before each round, and the other optimizer is made for them.
    """
    groups = 2 if per_group else 1
    model, optimizer = make(kind, groups, **options)
    flags = {"can_mutate": True, "can_crossbreed": True}
    preset = preset_of(kind)(per_group=per_group)
    with Clan(
        model=model,
        optimizer=optimizer,
        autobind=[preset],
        genome_config=dict.fromkeys(preset(model, optimizer), flags),
        round_length=ROUND,
        strategies=[Everyone(), Gaussian(0.3)],
        cooldown=0.0,
    ) as clan:
        for _ in range(2):
            member = clan.round()
            values = values_of(clan.genome)
            twin, other = twin_of(kind, model, optimizer, values, groups, options)
            while not member.done:
                backward(model)
                for own, its in zip(model.parameters(), twin.parameters(), strict=True):
                    its.grad = None if own.grad is None else own.grad.clone()
                optimizer.step()
                other.step()
                if not same(model, twin):
                    return "no"
                optimizer.zero_grad()
                member.step()
            clan.step(1.0)
    return YES


def acts_at_once(kind: type[Optimizer]) -> str:
    """Return the genes that evolve and have no effect on the next step."""
    model, optimizer = make(kind)
    take_steps(model, optimizer, 4)
    genome = Genome(preset_of(kind)(model, optimizer))
    late = []
    for name in evolving(kind):
        allele = genome.alleles[name]
        moved = genome.with_alleles({name: allele.with_latent(allele.latent + 0.1)})
        results = []
        for each in (genome, moved):
            twin, other = twin_of(kind, model, optimizer, values_of(each), 1, {})
            take_steps(twin, other, 1)
            results.append(twin)
        if same(*results):
            late.append(f"`{name}`")
    return f"all but {', '.join(late)}" if late else YES


def inherits(kind: type[Optimizer]) -> str:
    """Return whether a child takes the steps of its parent, from the next one on."""
    model, optimizer = make(kind)
    with Clan(
        model=model,
        optimizer=optimizer,
        autobind=[preset_of(kind)],
        round_length=ROUND,
        duty_cycle=1.0,
        strategies=[TopN(1, Everyone())],
    ) as clan:
        digests = []
        for _ in range(2):
            member = clan.round()
            digests.append(gathered(model))
            while not member.done:
                backward(model, X + (dist.get_rank() if len(digests) == 1 else 0.0))
                optimizer.step()
                optimizer.zero_grad()
                member.step()
                digests.append(gathered(model))
            clan.step(float(dist.get_rank()))  # all inherit from rank 0
    before, after = digests[ROUND], digests[ROUND + 1 :]
    return YES if not equal(before) and all(map(equal, after)) else "no"


def resumes(kind: type[Optimizer]) -> str:
    """Return whether a run that is resumed from a checkpoint goes on as the other one does."""
    folder = shared(tempfile.mkdtemp() if dist.get_rank() == 0 else None)
    results = []
    for is_resumed in (False, True):
        model, optimizer = make(kind)
        with Clan(
            model=model,
            optimizer=optimizer,
            autobind=[preset_of(kind)],
            round_length=ROUND,
            strategies=[Everyone(), Gaussian(0.3)],
        ) as clan:
            if is_resumed:
                clan.resume(folder)
            for number in range(1 if is_resumed else 2):
                member = clan.round()
                while not member.done:
                    backward(model)
                    optimizer.step()
                    optimizer.zero_grad()
                    member.step()
                clan.step(1.0)
                if number == 0 and not is_resumed:
                    clan.save(folder)
        results.append(model)
    return YES if same(*results) else "no"


def values_of(genome: Genome) -> dict[str, Any]:
    """Return the values of a genome by path."""
    values = {}
    for name, allele in genome.alleles.items():
        gene = Expressed.of(name, allele)
        values.update({path: gene.value_at(path, allele) for path in gene.path})
    return values


def twin_of(
    kind: type[Optimizer],
    model: nn.Module,
    optimizer: Optimizer,
    values: Mapping[str, Any],
    groups: int,
    options: Mapping[str, Any],
) -> tuple[nn.Module, Optimizer]:
    """Return a copy of a model with a new optimizer, which has its state and these values."""
    twin, other = make(kind, groups, **options)
    twin.load_state_dict(model.state_dict())
    for path, value in values.items():
        _, _, group, key, *index = path.split("/")
        settings = other.param_groups[int(group)]
        if index:
            found = [*settings[key]]
            found[int(index[0])] = value
            settings[key] = tuple(found)
        else:
            held = settings[key]
            settings[key] = torch.tensor(value) if isinstance(held, Tensor) else value
    state = copy.deepcopy(optimizer.state_dict()["state"])
    other.load_state_dict({"state": state, "param_groups": other.state_dict()["param_groups"]})
    return twin, other


def backward(model: nn.Module, inputs: Tensor = X) -> None:
    """Compute gradients."""
    (model(inputs) - 1.0).square().mean().backward()


def take_steps(model: nn.Module, optimizer: Optimizer, count: int) -> None:
    """Train without a clan, each step on another sample."""
    for step in range(count):
        backward(model, X[step % len(X) :][:1])
        optimizer.step()
        optimizer.zero_grad()


def same(one: nn.Module, other: nn.Module) -> bool:
    """Whether two models have equal weights on all ranks, to the last bit."""
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(shared_by_all(all(torch.equal(a, b) for a, b in pairs)))


def gathered(model: nn.Module) -> list[Any]:
    """Return the weights of the models of all ranks."""
    return shared_by_all([parameter.tolist() for parameter in model.parameters()])


def equal(values: list[Any]) -> bool:
    """Whether all values are equal."""
    return all(value == values[0] for value in values)


def shared_by_all(value: Any) -> list[Any]:
    """Return the value of each rank."""
    values: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values


def shared(value: Any) -> Any:
    """Return the value of rank 0."""
    return shared_by_all(value)[0]
