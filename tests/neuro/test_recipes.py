"""Recipes for lineages."""

from importlib import metadata

import pytest
from families import member
from networks import BANK, DENSE

import clantune_neuro
import clantune_strategies
from clantune_core import Evolution, Population, StrategyError, contracts, member_rng
from clantune_neuro import Lineage, NeuroError, NeuroRecipe, Score, recipes
from clantune_neuro.tasks.trace import RowTrace


def generation(recipe, blueprint, scores):
    """Return the offspring of members with one gene each."""
    trace = RowTrace([1], [0, 1])
    family = Population(
        [
            member(n, Lineage.born(0), blueprint, recipe.strength, Score(base, trace=trace), n)
            for n, base in enumerate(scores)
        ]
    )
    evolution = Evolution(recipe)
    return [evolution.offspring(each, family, member_rng(0, 0, n)) for n, each in enumerate(family)]


def lengths(genomes):
    return [genome.alleles["weights"].value.num_genes for genome in genomes]


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_every_recipe_breeds_its_population(name):
    recipe = recipes.find(name)
    assert isinstance(recipe, NeuroRecipe)
    assert recipe.name == name
    scores = [float(n % 7) for n in range(recipe.population)]
    made = lengths(generation(recipe, BANK, scores))
    assert {*made} <= {1, 2}
    assert made.count(2) >= recipe.population - 16


def test_the_best_are_kept_and_all_others_get_a_gene():
    recipe = recipes.duplicate(elites=2, children=6)
    assert recipe.population == 8
    made = generation(recipe, BANK, [0, 5, 0, 0, 5, 5, 0, 0])
    assert lengths(made) == [2, 2, 2, 2, 1, 1, 2, 2]
    parents = {made[n].parents.dominant for n in (0, 1, 2, 3, 6, 7)}
    assert parents <= {4, 5}


def test_without_elites_every_offspring_gets_a_gene():
    for recipe in (recipes.asexual(children=8), recipes.sexual(parents=3, children=8)):
        assert lengths(generation(recipe, DENSE, range(8))) == [2] * 8


def test_all_members_of_the_best_are_parents_of_an_average():
    made = generation(recipes.average(parents=3, children=8), DENSE, [0, 1, 2, 3, 4, 5, 6, 700])
    shares = {tuple(rank for rank, _ in child.parents.contributors) for child in made}
    assert shares == {(5, 6, 7)}


def test_two_parents_of_an_offspring_differ():
    made = generation(recipes.sexual(parents=4, children=8), DENSE, range(8))
    assert {len(child.parents.contributors) for child in made} == {2}


def test_the_operator_of_new_genes_may_be_chosen():
    recipe = recipes.find("asexual", children=4, operator="normal")
    made = generation(recipe, DENSE, range(4))
    assert {child.alleles["weights"].value.gene(1).operator for child in made} == {2}


def test_a_recipe_of_another_package_is_found_too():
    assert recipes.find("pbt", quantile=0.3).name == "PBT"


def test_an_unknown_recipe_is_answered_with_the_names():
    with pytest.raises(NeuroError) as info:
        recipes.find("duplicat")
    message, _, others = str(info.value).partition("; others that are installed: ")
    assert message == (
        "no recipe is called 'duplicat'; did you mean 'duplicate'? This package has duplicate, "
        "blind, asexual, sexual, average"
    )
    assert {"as_specified", "pbt"} <= {*others.split(", ")}
    assert "neuro" not in others


def test_an_unknown_parameter_is_answered_with_the_signature():
    with pytest.raises(StrategyError) as info:
        recipes.find("blind", label=0.1)
    assert str(info.value) == (
        "blind: the recipe is made as blind(*, elites: 'int' = 16, children: 'int' = 64, "
        "strength: 'float' = 0.0265): got an unexpected keyword argument 'label'"
    )


def test_every_recipe_and_strategy_is_published():
    ours = metadata.distribution("clantune-neuro").entry_points
    found = {point.name: point.value for point in ours.select(group=contracts.RECIPES)}
    assert found == {f"neuro_{name}": f"clantune_neuro.recipes:{name}" for name in recipes.RECIPES}
    for point in ours.select(group=contracts.STRATEGIES):
        assert point.name.startswith("neuro-")
        assert point.load().__module__.startswith("clantune_neuro.strategies.")


def test_no_class_has_the_name_of_one_of_the_strategies():
    assert not {*clantune_neuro.__all__} & {*clantune_strategies.__all__}


@pytest.mark.parametrize(
    ("name", "size", "numbers"),
    [
        ("asexual", 32, {"parents": 8, "children": 32}),
        ("sexual", 8, {"parents": 2, "children": 8}),
        ("average", 2, {"parents": 1, "children": 2}),
        ("duplicate", 40, {"elites": 8, "children": 32}),
        ("blind", 2, {"elites": 1, "children": 1}),
    ],
)
def test_a_recipe_of_another_size_keeps_its_shares(name, size, numbers):
    made = recipes.of_size(name, size)
    assert made == recipes.find(name, **numbers)
    assert made.population == size


def test_a_recipe_with_elites_needs_a_second_member():
    with pytest.raises(NeuroError) as caught:
        recipes.of_size("duplicate", 1)
    assert str(caught.value) == (
        "the recipe 'duplicate' keeps one member and needs another one to breed; take a population "
        "of 2 or more, not 1"
    )


def test_a_recipe_of_another_package_stays_as_it_is():
    assert recipes.of_size("pbt", 7) == recipes.find("pbt")
