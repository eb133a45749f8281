"""Kinds written from the page "Write a kind" alone: tested, mutated and trained with like ours."""

import importlib
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    Evolution,
    Genome,
    LogFloatAllele,
    Population,
    strategies,
)
from clantune_strategies import (
    Annealed,
    AtStart,
    Cauchy,
    Choose,
    Coupled,
    Creep,
    DifferentialEvolution,
    Everyone,
    Flip,
    Gaussian,
    Lethal,
    MainEffects,
    Mirrored,
    Momentum,
    PerGene,
    Perturb,
    Resample,
    Spread,
    Tournament,
    TwoLevel,
    WhenReplaced,
)

PAGE = Path(__file__).parents[2] / "docs/write_a_kind.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

DOMAIN = (64, 1024)

MUTATIONS = [
    Gaussian(std=0.5),
    Gaussian(learns=("size",)),
    Cauchy(scale=0.5),
    Perturb(),
    Resample(chance=1.0),
    Resample(chance=1.0, scale="value"),
    DifferentialEvolution(),
    Mirrored(Gaussian(std=0.5)),
    Annealed(Gaussian(std=0.5)),
    Lethal(Gaussian(std=0.5), regions={"length": (100, 900)}),
    WhenReplaced(Gaussian(std=0.5)),
]
"""The mutations that take continuous kinds and need no other strategy."""

NOT_CONTINUOUS = {Creep, Flip, Choose}
WITH_OTHERS = {
    AtStart: [Tournament(), AtStart(Gaussian(std=0.5)), Gaussian(std=0.5)],
    Coupled: [
        Tournament(),
        Gaussian(std=0.5),
        Coupled("lr", "length", at=(1e-3, 256.0)),
    ],
    Momentum: [Tournament(), Gaussian(std=0.5), Momentum()],
    TwoLevel: [Everyone(), MainEffects(), TwoLevel()],
    Spread: [Everyone(), MainEffects(), Spread()],
}


FEW = """
from hypothesis import settings

settings.register_profile("few", max_examples=25)
settings.load_profile("few")
"""
"""The examples of a law, as many as for the kinds of the core."""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The kinds and the test of the page, each in a file as its author has it."""
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    folder = tmp_path_factory.mktemp("author")
    kinds = [block for block in blocks if "@allele_kind" in block]
    test = next(block for block in blocks if "from clantune_length import" in block)
    (folder / "clantune_length.py").write_text("\n\n".join(kinds), "utf-8")
    (folder / "test_length.py").write_text(test, "utf-8")
    (folder / "conftest.py").write_text(FEW, "utf-8")
    return folder


@pytest.fixture(scope="module")
def kind(files, tmp_path_factory):
    """The first kind of the page, under a tag of its own: the page itself registers its tags."""
    source = (files / "clantune_length.py").read_text("utf-8")
    folder = tmp_path_factory.mktemp("imported")
    source = source.replace('@allele_kind("', '@allele_kind("page_')
    (folder / "kinds_of_the_page.py").write_text(source, "utf-8")
    sys.path.insert(0, str(folder))
    yield importlib.import_module("kinds_of_the_page").LengthAllele
    sys.path.remove(str(folder))


def run(*command, folder):
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_it_keeps_all_laws(files):
    done = run("pytest", "-q", "-p", "no:cacheprovider", "test_length.py", folder=files)
    assert re.search(r"^13 passed", done.stdout, re.MULTILINE), done.stdout


def test_every_mutation_is_tried():
    tried = {*map(type, MUTATIONS), *WITH_OTHERS}
    published = {
        found.load()
        for found in strategies()
        if found.distribution == "clantune-strategies" and "handle_mutating" in found.hooks
    }
    assert {each for each in published if issubclass(each, AbstractMutationStrategy)} <= (
        tried | NOT_CONTINUOUS
    )


@pytest.mark.parametrize(
    "listed",
    [*([Tournament(), PerGene(), mutation] for mutation in MUTATIONS), *WITH_OTHERS.values()],
    ids=lambda listed: type(listed[-1]).__name__,
)
def test_it_mutates_under_every_strategy_that_takes_continuous_kinds(kind, listed):
    evolution = Evolution(listed)
    starts = [(256, 1e-3), (512, 2e-3), (128, 5e-4), (64, 1e-3)]
    placed = Population(
        [
            evolution.setup(
                Genome({"lr": LogFloatAllele(lr, (1e-5, 1e-1)), "length": kind(length, DOMAIN)}),
                Random(rank),
            )
            for rank, (length, lr) in enumerate(starts)
        ]
    )
    population = Population(
        [
            evolution.mutate(me, Random(rank), population_genomes=placed, shared_rng=Random(0))
            for rank, me in enumerate(placed)
        ]
    )
    seen = {genome.alleles["length"].value for genome in population}
    for generation in range(20):
        losses = Random(generation)
        population = population.with_fitnesses([losses.random() for _ in population])
        population = Population(
            [
                evolution.offspring(
                    me,
                    population,
                    Random(100 * generation + rank),
                    shared_rng=Random(generation),
                    generation=generation,
                    progress=generation / 20,
                )
                for rank, me in enumerate(population)
            ]
        )
        for genome in population:
            length: AbstractAllele = genome.alleles["length"]
            assert type(length) is kind
            assert length.check_value(length.value) == length.value
            seen.add(length.value)
    assert len(seen - {length for length, _ in starts}) > 3


TRAIN = """
import torch
from clantune import Clan
from clantune_length import LengthAllele, SqrtFloatAllele
from clantune_strategies import Gaussian, Tournament

torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.04)
clan = Clan(
    model=model, optimizer=optimizer, total_steps=60, round_length=10, duty_cycle=0.5,
    strategies=[Tournament(), Gaussian(std=0.5)], verbose=False,
)
clan.add_gene("length", type="value", allele=LengthAllele(256, (64, 1024)))
clan.add_gene("weight_decay", allele=SqrtFloatAllele(0.04, (0.0, 1.0)))
data = torch.utils.data.TensorDataset(torch.randn(200, 4))
loader = clan.loader(data, batch_size=4)
for member in clan.rounds():
    for (batch,) in member.batches(loader):
        member.model(batch).square().mean().backward()
        member.optimizer.step()
        member.optimizer.zero_grad()
        length, decay = member.get_gene("length"), member.get_gene("weight_decay")
        (group,) = member.optimizer.param_groups
        print(f"values {length} {decay} {group['weight_decay']} end\\n", end="", flush=True)
    clan.step(lambda model: model(torch.ones(1, 4)).square().mean())
"""


def test_it_is_bound_in_a_clan(files):
    (files / "train.py").write_text(TRAIN, "utf-8")
    done = run("clantune_core", "launch", "-n", "2", "train.py", folder=files)
    assert done.returncode == 0, done.stderr
    printed = re.findall(r"values (\S+) (\S+) (\S+) end", done.stdout)
    assert len(printed) == 2 * 60
    lengths = {int(length) for length, _, _ in printed}
    assert all(64 <= length <= 1024 and length % 8 == 0 for length in lengths)
    assert len(lengths) > 2
    assert all(gene == expressed for _, gene, expressed in printed)
    assert len({gene for _, gene, _ in printed}) > 2
