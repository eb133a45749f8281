"""Samplers of Optuna that breed."""

import subprocess
import sys

import pytest

from clantune_store import Parameters, Store, StoreError

optuna = pytest.importorskip("optuna")

BASE = """
steps_int = { value = 40, min = 0, max = 100 }
rate_log = { value = 0.01, min = 1e-6, max = 1.0 }
free = 1.0
half_int = { value = 3, min = 0 }
share_prob = 0.1
mode_choice = ["x", [1], 3]
on_bool = true
name_str = "constant"
[band]
low = 1.0
high = 2.0
[[rule]]
require = "band.high > band.low"
[[rule]]
require = "steps_int + half_int <= 100"
"""


def loss(values):
    told = abs(values["steps_int"] - 20) / 10 + (values["free"] - 7) ** 2 / 10
    return told + 2 * (values["mode_choice"] != [1]) + abs(values["band__high"] - 4)


def run(store, groups):
    for group in groups:
        with Parameters(store, group=group.number, dataset="d").report() as result:
            result["loss"] = loss(group.values)


@pytest.fixture
def store(tmp_path):
    (tmp_path / "base.toml").write_text(BASE)
    with Store.create(tmp_path / "s.db") as made:
        run(made, [made.load(tmp_path / "base.toml")])
        yield made


@pytest.mark.parametrize(
    "sampler",
    ["TPESampler:multivariate=true,n_startup_trials=5", "NSGAIISampler:population_size=10"],
)
def test_a_sampler_breeds_children_that_keep_the_rules_and_learns(store, sampler):
    start = store.top("loss", 1, lowest=True)[0].value
    for seed in range(6):
        bred = store.breed(
            "loss", lowest=True, children=15, seed=seed, strategies=[f"optuna:{sampler}"]
        )
        assert len(bred) == len({group.id for group in bred}) == 15
        assert bred.parents == ((),) * 15
        for group in bred:
            values = group.values
            assert values["band__high"] > values["band__low"]
            assert values["steps_int"] + values["half_int"] <= 100
            assert values["half_int"] >= 0
            assert values["mode_choice"] in ("x", [1], 3)
            assert values["name_str"] == "constant"
        run(store, bred)
    best = store.top("loss", 1, lowest=True)[0]
    assert best.value < start / 2
    assert store.group(best.group).origin == "breed"
    found = [group.values for group in store.groups()]
    assert any(values["free"] > 3 for values in found)  # beyond what was loaded


def test_one_seed_gives_the_same_children_also_in_another_process(tmp_path):
    (tmp_path / "base.toml").write_text(BASE)
    with Store.create(tmp_path / "s.db") as store:
        run(store, [store.load(tmp_path / "base.toml")])
        run(store, store.breed("loss", lowest=True, seed=1))
        options = {"lowest": True, "strategies": ["optuna:TPESampler"], "dry_run": True}
        here = [group.id for group in store.breed("loss", seed=7, **options)]
        assert [group.id for group in store.breed("loss", seed=7, **options)] == here
        assert [group.id for group in store.breed("loss", seed=8, **options)] != here
    code = (
        "from clantune_store import Store\n"
        f"bred = Store('s.db').breed('loss', seed=7, **{options!r})\n"
        "print(*(group.id for group in bred))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(id_) for id_ in here]


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (
            "TPESample",
            (
                "Optuna has no sampler 'TPESample' for this; the nearest are 'TPESampler', "
                "'GPSampler', 'QMCSampler'"
            ),
        ),
        (
            "TPESampler:multivarate=true",
            "the sampler TPESampler has no argument 'multivarate'; the nearest is 'multivariate'",
        ),
        (
            "TPESampler:seed=1",
            "the sampler TPESampler gets the seed of breeding: leave its own seed out",
        ),
        (
            "NSGAIISampler:population_size=1",
            (
                "the sampler NSGAIISampler cannot be used: `population_size` must be greater than "
                "or equal to 2."
            ),
        ),
        (
            "BruteForceSampler",
            (
                "the sampler BruteForceSampler cannot be used: FloatDistribution.step must be "
                "given for BruteForceSampler (otherwise, the search space will be infinite)."
            ),
        ),
    ],
)
def test_a_sampler_that_cannot_breed_is_refused(tmp_path, strategy, message):
    (tmp_path / "base.toml").write_text(BASE)
    with Store.create(tmp_path / "s.db") as store:
        run(store, [store.load(tmp_path / "base.toml")])
        with pytest.raises(StoreError) as caught:
            store.breed("loss", lowest=True, strategies=[f"optuna:{strategy}"])
        assert str(caught.value) == message
        assert len(store.groups()) == 1


def test_a_sampler_that_has_tried_everything_leaves_no_new_group(tmp_path):
    with Store.create(tmp_path / "s.db") as store:
        for options in (["x", "y"], ["y", "x"]):
            group = store.load(set={"mode_choice": options})
            with Parameters(store, group=group.number).report() as result:
                result["loss"] = 1.0
        bred = store.breed("loss", children=3, strategies=["optuna:BruteForceSampler"])
        assert (bred.asked, len(bred)) == (3, 0)
