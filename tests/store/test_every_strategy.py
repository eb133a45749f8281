"""Every strategy and every recipe breeds from one group, from a few, and from twenty."""

from importlib.metadata import entry_points

import pytest

import clantune_strategies as s
from clantune_core import strategies
from clantune_store import Parameters, Store

VALUES = {
    "number": -3.0,
    "rate_log": 1e-3,
    "count_int": 4,
    "share_prob": 0.2,
    "part_real_0": 0.5,
    "on_bool": True,
    "a_choice": ["p", [1], 3],
    "name_str": "x",
}
EACH = {
    "annealed": [s.Annealed(s.Gaussian())],
    "at-start": [s.AtStart(s.Gaussian())],
    "average": [s.Everyone(), s.Average()],
    "blend": [s.Blend()],
    "boltzmann": [s.Boltzmann(1.0)],
    "cauchy": [s.Cauchy()],
    "choose": [s.Choose(0.5)],
    "coupled": [s.Coupled("rate_log", "share_prob", at=(1e-3, 0.2))],
    "creep": [s.Creep()],
    "differential-evolution": [s.Everyone(), s.DifferentialEvolution()],
    "dominant": [s.Dominant()],
    "everyone": [s.Everyone()],
    "fitness-sharing": [s.FitnessSharing(s.Proportional(), radius=1.0)],
    "flip": [s.Flip(0.5)],
    "frequencies": [s.Frequencies(s.Tournament())],
    "gaussian": [s.Gaussian(0.2, learns=("size",))],
    "improvement-rate": [s.ImprovementRate(s.Tournament())],
    "keep-best": [s.KeepBest(s.Tournament())],
    "learn": [s.Everyone(), s.Learn()],
    "lethal": [s.Lethal(s.Gaussian(), {"number": (-10.0, 10.0)})],
    "local-only": [s.LocalOnly(s.Tournament())],
    "main-effects": [s.TwoLevel(), s.MainEffects()],
    "mate-choice": [s.MateChoice(s.Tournament())],
    "mirrored": [s.Mirrored(s.Gaussian())],
    "momentum": [s.Gaussian(), s.Momentum()],
    "pairs": [s.Pairs()],
    "per-gene": [s.PerGene()],
    "per-genome": [s.PerGenome()],
    "perturb": [s.Perturb()],
    "proportional": [s.Proportional()],
    "rank": [s.Rank()],
    "resample": [s.Resample(0.5)],
    "sbx": [s.SBX()],
    "significant": [s.Significant(s.Tournament())],
    "smoothed": [s.Smoothed(s.Tournament())],
    "spread": [s.TwoLevel(), s.Spread()],
    "thrive-survive-die": [s.ThriveSurviveDie()],
    "top-n": [s.TopN(3, s.Tournament())],
    "tournament": [s.Tournament()],
    "truncation": [s.Truncation()],
    "two-level": [s.TwoLevel()],
    "when-replaced": [s.WhenReplaced(s.Gaussian())],
}

RECIPES = sorted(
    each.name
    for each in entry_points(group="clantune.recipes")
    if each.value.startswith("clantune_strategies")
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with twenty groups, of which the first one is the best."""
    with Store.create(tmp_path_factory.mktemp("every") / "store.db") as made:
        for place in range(20):
            group = made.load(set={**VALUES, "number": place - 3.0})
            with Parameters(made, group=group.number).report() as result:
                result["loss"] = place**2
        yield made


def breed(store, parents, **who):
    bred = store.breed("loss", top=parents, children=10, seed=1, lowest=True, dry_run=True, **who)
    assert bred.asked == 10
    for group in bred:
        assert {*group.values} == {*VALUES}
        assert group.values["rate_log"] > 0
        assert 0 < group.values["share_prob"] < 1
        assert 0 <= group.values["part_real_0"] < 1
        assert type(group.values["count_int"]) is int
        assert group.values["a_choice"] in ("p", [1], 3)
        assert group.values["name_str"] == "x"


@pytest.mark.parametrize("parents", [1, 3, 20])
@pytest.mark.parametrize("name", EACH)
def test_a_strategy_breeds(store, name, parents):
    breed(store, parents, strategies=[s.Tournament(), *EACH[name]])


@pytest.mark.parametrize("parents", [1, 3, 20])
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_breeds(store, name, parents):
    breed(store, parents, recipe=name)


def test_no_strategy_of_this_repository_is_forgotten():
    ours = {each.name for each in strategies() if each.module.startswith("clantune_strategies")}
    assert ours == {*EACH}
