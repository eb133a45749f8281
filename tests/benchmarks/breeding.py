"""Breeding of the parameter store: its promises, and searches beside Optuna. `--quick`: a glance.

The searches have 3 data sets, 8 parameters, one group to begin with, and 12 rounds of 15 children.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from operator import ge
from pathlib import Path
from random import Random
from typing import Any

from _report import PACKAGES, Bar, bar, report, show_progress

from clantune_store import Parameters, Store

Losses = Callable[[Any], dict[str, float]]

# ---- Line 1: each type of parameters ----

TYPES = {
    "number": -10.0,
    "nothing": 0.0,
    "zero_int": 0,
    "one_int": 1,
    "on_bool": True,
    "a_choice": ["p", "q", 3],
    "p_real_0": 0.5,
    "p_real_1": 1.5,
    "rate_log": 1e-3,
    "share_prob": 0.2,
}
FIRST = {**TYPES, "a_choice": "p"}
INSIDE: dict[str, Callable[[Any], bool]] = {
    "zero_int": lambda value: type(value) is int,
    "one_int": lambda value: type(value) is int,
    "on_bool": lambda value: value in (True, False),
    "a_choice": lambda value: value in ("p", "q", 3),
    "p_real_0": lambda value: 0 <= value < 1,
    "p_real_1": lambda value: 1 <= value < 2,
    "rate_log": lambda value: value > 0,
    "share_prob": lambda value: 0 < value < 1,
}
TWICE = """
import hashlib, sys
from clantune_store import Store
bred = Store(sys.argv[1]).breed("loss", children=int(sys.argv[2]), seed=9, dry_run=True)
print(hashlib.sha256(" ".join(str(group.id) for group in bred).encode()).hexdigest())
"""


def types(folder: Path, count: int) -> tuple[list[Bar], dict[str, Any]]:
    """Breed many children, each with a parameter of every type."""
    store = Store.create(folder / "types.db")
    tell(store, store.load(set=TYPES).number, {"D": 1.0})
    bred = store.breed("loss", children=count, seed=1, dry_run=True)
    columns = {name: [group.values[name] for group in bred] for name in TYPES}
    outside = sum(not inside(value) for name, inside in INSIDE.items() for value in columns[name])
    numbers = [name for name in TYPES if name not in ("on_bool", "a_choice")]
    one_sided = [n for n in numbers if not min(columns[n]) < FIRST[n] < max(columns[n])]
    neighbours = {-1, 1} <= {*columns["zero_int"]} and {0, 2} <= {*columns["one_int"]}
    options = len({*columns["a_choice"]}) + len({*columns["on_bool"]})
    command = [sys.executable, "-c", TWICE, str(folder / "types.db"), str(min(count, 1000))]
    said = {subprocess.run(command, capture_output=True, check=True).stdout for _ in range(2)}
    bars = [
        bar("values outside their domain", outside, 0),
        bar("types that move in one direction only", len(one_sided), 0),
        bar("options of the choice and the flag reached", options, 5, ge),
        bar("neighbours of 0 and 1 reached", neighbours, 1, ge),
        bar("different children of one seed in two processes", len(said) - 1, 0),
        bar("children that are not distinct", count - len({group.id for group in bred}), 0),
    ]
    return bars, {"children": count}


# ---- Line 2: rules ----

BAND = """
run_mode_choice = ["fast", "slow", "off"]
run_steps_int = { value = 40, min = 1, max = 64 }
high = { value = 9.0, min = -20, max = 20 }
low = { value = 1.0, min = -20, max = 20 }
w_a = { value = 0.3, min = 0, max = 1 }
w_b = { value = 0.3, min = 0, max = 1 }
w_c = { value = 0.3, min = 0, max = 1 }
[[rule]]
require = "high > low"
[[rule]]
require = "high - low <= 30"
[[rule]]
require = "w_a + w_b + w_c <= 1"
[[rule]]
require = "run_steps_int >= 32"
when = "run_mode_choice == 'fast'"
"""


def rules(folder: Path, count: int, trials: int) -> tuple[list[Bar], dict[str, Any]]:
    """Breed many children under four rules, and let Optuna's samplers search under them."""
    (folder / "band.toml").write_text(BAND)
    store = Store.create(folder / "rules.db")
    for place, others in enumerate(({}, {"high": 12.0, "low": 10.0}, {"w_a": 0.1, "w_c": 0.6})):
        tell(store, store.load(folder / "band.toml", set=others).number, {"D": float(place)})
    kept = store.space(1).rules
    bred = store.breed("loss", top=3, children=count, seed=1, dry_run=True)
    broken = sum(not all(rule.holds(group.values) for rule in kept) for group in bred)
    optuna = {name: broken_by_optuna(name, trials) for name in ("TPESampler", "NSGAIISampler")}
    bars = [
        bar("children that break a rule", broken, 0),
        bar("children that are not distinct", count - len({group.id for group in bred}), 0),
    ]
    return bars, {"children": count, "trials": trials, "trials that break a rule": optuna}


def broken_by_optuna(name: str, trials: int) -> int:
    """Return how many trials of a sampler that knows the rules break one."""
    import optuna

    def objective(trial: Any) -> float:
        high, low = (trial.suggest_float(end, -20, 20) for end in ("high", "low"))
        weights = [trial.suggest_float(f"w_{one}", 0, 1) for one in "abc"]
        mode = trial.suggest_categorical("mode", ["fast", "slow", "off"])
        steps = trial.suggest_int("steps", 1, 64)
        short = 32 - steps if mode == "fast" else -1
        broken = [low - high, high - low - 30, sum(weights) - 1, short]
        trial.set_user_attr("broken", broken)
        return float((high - 9) ** 2 + (low - 1) ** 2 + sum(weights))

    sampler = getattr(optuna.samplers, name)(
        seed=0, constraints_func=lambda trial: trial.user_attrs["broken"]
    )
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=trials)
    return sum(any(each > 0 for each in trial.user_attrs["broken"]) for trial in study.trials)


# ---- Line 3: a search ----

SHIFTS = {"A": 0.0, "B": 1.0, "C": -1.0}
REALS = [f"x{number}" for number in range(6)]
OPTIONS = ["a", "b", "c", "d"]
BOUNDS = {"min": -20, "max": 20, "unit": 10}
CHILDREN = 15
START = {**dict.fromkeys(REALS, 10.0), "n_int": 9, "c_choice": "a"}
SPACE = {
    **{name: {"value": 10.0, **BOUNDS} for name in REALS},
    "n_int": {"value": 9, "min": 0, "max": 20},
    "c_choice": OPTIONS,
}


def losses_of(seed: int) -> Losses:
    """Return the problem of a seed: a loss for each data set."""
    random = Random(seed)
    target = [random.uniform(-8, 8) for _ in REALS]

    def losses(values: Any) -> dict[str, float]:
        rest = (values["n_int"] - 4) ** 2 + (0 if values["c_choice"] == "c" else 4)
        return {
            name: sum(
                (values[x] - wanted - 0.3 * shift) ** 2
                for x, wanted in zip(REALS, target, strict=True)
            )
            + rest
            for name, shift in SHIFTS.items()
        }

    return losses


def tell(store: Store, group: int, losses: dict[str, float]) -> None:
    """Report the loss of a group in each data set."""
    for dataset, loss in losses.items():
        with Parameters(store, group=group).report(dataset=dataset) as result:
            result["loss"] = loss


def by_breeding(seed: int, losses: Losses, rounds: int, folder: Path) -> float:
    """Return the best sum of losses that the store finds."""
    (folder / "space.json").write_text(json.dumps(SPACE))
    store = Store.create(folder / f"search-{seed}.db")
    first = store.load(folder / "space.json")
    groups, best = [first], float("inf")
    for number in range(rounds + 1):
        for group in groups:
            found = losses(group.values)
            best = min(best, sum(found.values()))
            tell(store, group.number, found)
        if number < rounds:
            groups = [
                *store.breed(
                    "loss",
                    lowest=True,
                    children=CHILDREN,
                    seed=1000 * seed + number,
                    progress=number / rounds,
                )
            ]
    store.close()
    return best


def by_chance(seed: int, losses: Losses, rounds: int, _: Path) -> float:
    """Return the best sum of losses of groups that are drawn."""
    random = Random(f"chance {seed}")
    best = float("inf")
    for _draw in range(rounds * CHILDREN + 1):
        values: dict[str, Any] = {name: random.uniform(-20, 20) for name in REALS}
        values |= {"n_int": random.randint(0, 20), "c_choice": random.choice(OPTIONS)}
        best = min(best, sum(losses(values).values()))
    return best


def by_optuna(
    seed: int, losses: Losses, rounds: int, _: Path, *, name: str, batch: int, **options: Any
) -> float:
    """Return the best sum of losses that a sampler finds, which is told after each batch."""
    import optuna

    space: dict[str, Any] = {n: optuna.distributions.FloatDistribution(-20, 20) for n in REALS}
    space["n_int"] = optuna.distributions.IntDistribution(0, 20)
    space["c_choice"] = optuna.distributions.CategoricalDistribution(OPTIONS)
    study = optuna.create_study(sampler=getattr(optuna.samplers, name)(seed=seed, **options))
    study.add_trial(
        optuna.trial.create_trial(
            params=START, distributions=space, value=sum(losses(START).values())
        )
    )
    for _batch in range(rounds * CHILDREN // batch):
        trials = [study.ask(fixed_distributions=space) for _ in range(batch)]
        for trial in trials:
            study.tell(trial, sum(losses(trial.params).values()))
    return float(study.best_value)


SEARCHES: dict[str, Callable[[int, Losses, int, Path], float]] = {
    "the store": by_breeding,
    "random search": by_chance,
    "NSGA-II": partial(by_optuna, name="NSGAIISampler", batch=1, population_size=CHILDREN),
    "TPE in batches": partial(by_optuna, name="TPESampler", batch=CHILDREN, constant_liar=True),
    "TPE one by one": partial(by_optuna, name="TPESampler", batch=1),
}


def searches(folder: Path, seeds: int, rounds: int) -> tuple[list[Bar], dict[str, Any]]:
    """Search with the store and with others, on the same problems."""
    found: dict[str, list[float]] = {name: [] for name in SEARCHES}
    for seed in range(seeds):
        for name, search in SEARCHES.items():
            found[name].append(search(seed, losses_of(seed), rounds, folder))
        show_progress(seed + 1, seeds, "problems")
    median = {name: statistics.median(some) for name, some in found.items()}
    pairs = zip(found["the store"], found["random search"], strict=True)
    better = sum(ours < theirs for ours, theirs in pairs)
    bars = [
        bar("problems on which random search is not worse", seeds - better, seeds // 10),
        bar("best loss / that of NSGA-II", median["the store"] / median["NSGA-II"], 0.6),
        bar(
            "best loss / that of TPE in batches", median["the store"] / median["TPE in batches"], 2
        ),
    ]
    return bars, {"seeds": seeds, "median of the best loss": median}


# ---- Line 5: two inner algos ----

MOST = 6000


def runs_until(goal: float, seed: int, folder: Path, *, parts: bool) -> int:
    """Return how many runs it takes until both algos together have a loss as low as the goal."""
    random = Random(seed)
    target = {f"{algo}{n}": random.uniform(-8, 8) for algo in "ab" for n in range(6)}
    space = {name: {"value": 10.0, **BOUNDS, "tags": [name[0]]} for name in target}
    (folder / "tags.json").write_text(json.dumps(space))
    store = Store.create(folder / f"tags-{seed}-{parts}.db")
    groups, runs, rounds = [store.load(folder / "tags.json")], 0, 0
    while True:
        for group in groups:
            runs += 1
            loss = {
                algo: sum((group.values[n] - t) ** 2 for n, t in target.items() if n[0] == algo)
                for algo in "ab"
            }
            with Parameters(store, group=group.number).report(dataset="D") as result:
                result["a"]["loss"], result["b"]["loss"] = loss["a"], loss["b"]
                result["both"]["total"] = sum(loss.values())
            if sum(loss.values()) <= goal or runs >= MOST:
                store.close()
                return runs
        metric = "loss" if parts else "total"
        groups = [
            *store.breed(
                metric,
                top=4,
                lowest=True,
                parts=parts,
                seed=1000 * seed + rounds,
                strategies=[
                    "tournament:size=1",
                    "blend:alpha=0.75",
                    "per-gene",
                    "cauchy:scale=0.2",
                ],
            )
        ]
        rounds += 1


def tags(folder: Path, seeds: int, goal: float) -> tuple[list[Bar], dict[str, Any]]:
    """Breed two algos that share no parameter, in parts and as a whole."""
    ratios, counts = [], []
    for seed in range(seeds):
        pair = [runs_until(goal, seed, folder, parts=parts) for parts in (True, False)]
        counts.append(pair)
        ratios.append(pair[0] / pair[1])
        show_progress(seed + 1, seeds, "pairs of algos")
    bars = [bar("runs in parts / runs as a whole (median)", statistics.median(ratios), 0.6)]
    return bars, {"seeds": seeds, "runs in parts, and as a whole": counts}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all; return 1 if a bar does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the work, or so")
    quick = parser.parse_args(arguments).quick
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    bars: list[Bar] = []
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="clantune-breeding-") as name:
        folder = Path(name)
        for what, measure in {
            "types": partial(types, folder, 300 if quick else 100_000),
            "rules": partial(rules, folder, 50 if quick else 10_000, 15 if quick else 300),
            "searches": partial(searches, folder, *((1, 2) if quick else (20, 12))),
            "tags": partial(tags, folder, *((1, 600.0) if quick else (10, 60.0))),
        }.items():
            some, figures[what] = measure()
            bars += some
    median = figures["searches"]["median of the best loss"]
    rows = [("search", "median of the best loss"), *median.items()]
    return report("Breeding", rows, figures, bars, (*PACKAGES, "clantune-store", "optuna"))


if __name__ == "__main__":
    raise SystemExit(main())
