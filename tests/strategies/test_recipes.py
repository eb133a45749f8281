"""Recipes: what they expand to, what they say of themselves, and that they last."""

import json
import math
from random import Random
from uuid import UUID

import pytest

from clantune_core import (
    BoolAllele,
    Evolution,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    Population,
    StrategyError,
    StringAllele,
    from_json,
    member_rng,
    shared_rng,
    to_json,
)
from clantune_core.contracts import RecipeSettings
from clantune_strategies import AtStart, MainEffects, Perturb
from clantune_strategies.recipes import (
    Recipe,
    as_specified,
    cautious,
    esgd,
    factorial,
    fire_pbt,
    gpbt,
    hdet,
    mf_pbt,
    pbt,
)

EVERY = {
    make.__name__: make
    for make in (pbt, fire_pbt, hdet, esgd, gpbt, mf_pbt, as_specified, factorial, cautious)
}
CONTROL = {"factorial, no evolution": lambda: factorial(evolve=False)}

GENES = {
    "optimizer/lr": LogFloatAllele(1e-3, (1e-6, 1.0)),
    "optimizer/momentum": LogitFloatAllele(0.9, (0.5, 0.999)),
    "shift": FloatAllele(0.0, (-1.0, 1.0)),
    "layers": IntAllele(4, (1, 9)),
    "nesterov": BoolAllele(True),
    "schedule": StringAllele("cosine", ("cosine", "linear", "step")),
}


def begin(recipe, size=8, seed=0):
    evolution = Evolution(recipe)
    members = [
        evolution.setup(
            Genome(GENES, uuid=UUID(int=rank + 1)),
            member_rng(seed, -1, rank),
            shared_rng=shared_rng(seed, -1),
            rank=rank,
            population_size=size,
        )
        for rank in range(size)
    ]
    return evolution, members


def generations(recipe, count, size=8, seed=0):
    """Yield the members of each generation, evaluated by chance: nothing is to be found."""
    evolution, members = begin(recipe, size, seed)
    rng = Random(seed)
    for generation in range(count):
        population = Population([m.set_fitness(rng.lognormvariate(0.0, 1.0)) for m in members])
        members = [
            evolution.offspring(
                me,
                population,
                member_rng(seed, generation, rank),
                shared_rng=shared_rng(seed, generation),
                generation=generation,
                progress=generation / count,
            )
            for rank, me in enumerate(population)
        ]
        yield members


@pytest.mark.parametrize("make", [*EVERY.values(), *CONTROL.values()], ids=[*EVERY, *CONTROL])
def test_a_recipe_is_a_list_of_strategies_that_can_be_saved(make):
    recipe = make()
    assert isinstance(recipe, Recipe)
    assert [*recipe] == [recipe[i] for i in range(len(recipe))] == [*recipe.strategies]
    assert from_json(to_json(Evolution(recipe)), Evolution) == Evolution(recipe)
    assert make() == recipe
    assert isinstance(recipe.settings, RecipeSettings)


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
def test_a_recipe_says_where_it_comes_from_and_what_differs(make, capsys):
    recipe = make()
    recipe.explain()
    printed = capsys.readouterr().out
    for strategy in recipe:
        assert f"    {strategy!r},\n" in printed
    assert f"source: {recipe.source}\ndiffers: {recipe.differs}\n" in printed
    assert repr(recipe).startswith(f"<{recipe.name}: [")


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_it_lasts(make, size):
    sizes = []
    for members in generations(make(), 60, size):
        for member in members:
            for name, allele in member.alleles.items():
                assert allele.check_value(allele.value) == allele.value
                assert allele.domain == GENES[name].domain
        sizes.append(len(to_json(members[0])))
    assert max(sizes[30:]) < 1.1 * max(sizes[5:30])


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
def test_the_same_seed_gives_the_same_run(make):
    first, again = (
        [json.loads(to_json(m)) for members in generations(make(), 5) for m in members]
        for _ in range(2)
    )
    assert first == again


def test_the_control_leaves_every_value_where_it_was():
    for members in generations(factorial(evolve=False), 5):
        for member in members:
            values = member.as_hyperparameters()
            assert values == pytest.approx(Genome(GENES).as_hyperparameters())


def test_all_members_of_the_default_share_one_centre():
    for members in generations(factorial(), 6):
        for gene in ("optimizer/lr", "optimizer/momentum", "shift", "layers"):
            assert len({m.alleles[gene].metadata["design/centre"] for m in members}) == 1


def test_the_default_passes_on_when_an_lr_rests():
    variant = factorial(rounds=40, freeze_lr_until=0.1, freeze_lr_in_cooldown=True)
    assert variant[1] == MainEffects(freeze_lr_until=0.1, freeze_lr_in_cooldown=True)
    assert variant.settings.rounds == 40
    held = factorial(hold_decay=True, bias_correction=True)
    decays = ("weight_decay", "*/weight_decay", "weight_decay/*", "*/weight_decay/*")
    assert held[1] == MainEffects(decay_genes=decays, bias_correction=True)
    assert factorial()[1] == MainEffects()


def test_a_first_lr_is_a_share_of_the_one_that_is_given():
    evolution, members = begin(factorial(first_lr=0.25))
    placed = [
        evolution.mutate(
            member, Random(rank), population_genomes=Population(members), shared_rng=Random(1)
        ).alleles
        for rank, member in enumerate(members)
    ]
    for gene, share in {"optimizer/lr": 0.25, "optimizer/momentum": 1.0}.items():
        given = GENES[gene].with_value(share * GENES[gene].value)
        for alleles in placed:
            assert alleles[gene].metadata["design/centre"] == pytest.approx(given.latent)
    lrs = sorted({alleles["optimizer/lr"].value for alleles in placed})
    assert lrs == pytest.approx([0.25e-3 * math.exp(move) for move in (-0.1, 0.1)], rel=1e-6)


def test_the_control_of_the_cautious_recipe_begins_with_the_same_lr():
    control = cautious(evolve=False)
    assert control.name == "cautious, no evolution"
    assert [*control] == [*factorial(evolve=False, first_lr=0.33)]
    lower = AtStart(Perturb((0.33,)), cautious()[1].lr_genes, required=False)
    assert lower in [*control]
    assert control.settings.go_back_until == 0.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"first_lr": 0.0}, "factorial: first_lr must be a number above 0 and at most 1; got 0.0"),
        ({"first_lr": 3}, "factorial: first_lr must be a number above 0 and at most 1; got 3"),
        (
            {"first_lr": 0.5, "calibrate": True},
            "factorial: calibrate=True searches for the lr to begin with: leave first_lr out",
        ),
    ],
)
def test_a_first_lr_that_makes_no_sense_is_an_error(given, message):
    with pytest.raises(StrategyError) as raised:
        factorial(**given)
    assert str(raised.value) == message


def test_in_pbt_only_those_who_copied_somebody_explore():
    before = None
    for members in generations(pbt(), 10):
        stayed = [rank for rank, m in enumerate(members) if m.parents.dominant == rank]
        assert len(stayed) == 6
        if before is not None:
            for rank in stayed:
                assert members[rank].alleles == before[rank].alleles
        before = members


def test_slow_sub_populations_wait():
    for generation, members in enumerate(generations(mf_pbt(periods=(1, 4)), 8)):
        stayed = [m.parents.dominant == rank for rank, m in enumerate(members)]
        assert not all(stayed[::2])
        assert all(stayed[1::2]) == ((generation + 1) % 4 != 0)
