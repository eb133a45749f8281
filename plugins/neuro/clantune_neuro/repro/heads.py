"""The claim that norms grow by plain addition to one row, and what it leaves wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from clantune_core import AbstractStrategy
from clantune_neuro.gates import Report, at_least, at_most
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.tensors import Birth
from clantune_neuro.networks.heads import Heads
from clantune_neuro.repro import row_addition
from clantune_neuro.repro.rows_crossover import ByRow
from clantune_neuro.repro.runs import (
    Bar,
    Outcome,
    Progress,
    evolved,
    num_evaluations,
    seeds_from,
    shown_seeds,
)
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.strategies.append import Append
from clantune_neuro.tasks.memorise import Memorise
from clantune_strategies import Dominant, Everyone, MateChoice, TopN, Tournament

FEATURES, CLASSES = 128, 10
PARENTS, CHILDREN = 16, 64
OPERATORS = (row_addition.NAME, "norm")
GROWTH = 1.2
"""Lower limit of the norms at the end, divided by those at half time."""

DRIFT = 1e-4
"""Upper limit of the change of norms with `norm`."""


def measure(
    *, seeds: int, first_seed: int, quick: bool, generations: int, progress: Progress
) -> Report:
    """Evolve a bank by the notes' addition, in three schemes.

    Args:
        seeds: Number of runs of each scheme.
        first_seed: The first of their seeds.
        quick: Take 4 points, 8 rows and 12 generations instead.
        generations: Generations of each run.
        progress: Is told how much is done, and of how much.
    """
    points, rows, generations = (4, 8, 12) if quick else (64, 128, generations)
    numbers = seeds_from(first_seed, seeds)
    bar = Bar(progress, len(_SCHEMES) * seeds, generations)
    tasks = {seed: _task(points, seed) for seed in numbers}
    found: dict[str, list[Outcome]] = {}
    for name, scheme in _SCHEMES.items():
        found[name] = [
            evolved(
                scheme(Heads(rows, features=FEATURES, classes=CLASSES), task, seed),
                task,
                seed,
                generations,
                bar,
                look=_norm,
                look_at=(0, generations // 2),
                go_on=True,
            )
            for seed, task in tasks.items()
        ]
    grown = [one for name, outcomes in found.items() if name != "norm" for one in outcomes]
    return Report(
        f"{points} points on the argmax loss, {rows} rows, the notes' addition",
        [
            ("scheme", "seed", "evaluations", "wrong", "solved at", "norms: birth, half time, end"),
            *(
                (name, one.seed, one.evaluations, _wrong(one), _solved_at(one), _shown(one))
                for name, outcomes in found.items()
                for one in outcomes
            ),
        ],
        [
            at_least("norm at the end / at half time", min(map(_growth, grown)), GROWTH),
            at_most("change of norms with `norm`", max(map(_drift, found["norm"])), DRIFT),
        ],
        {
            "seeds": shown_seeds(numbers),
            "evaluations": num_evaluations([*grown, *found["norm"]]),
            "wrong by addition to one row": f"{_range(grown)} of {points}",
            "curves": {
                name: {str(one.seed): one.curve for one in outcomes}
                for name, outcomes in found.items()
            },
        },
        "norms grow with every mutation by addition to one row, and `norm` keeps them; how many "
        "answers stay wrong has no limit",
    )


def _task(points: int, seed: int) -> Memorise:
    return Memorise(points=points, batch=points, classes=CLASSES, loss="wrong", seed=seed)


def _begun(
    network: Heads,
    task: Memorise,
    seed: int,
    rules: Sequence[AbstractStrategy],
    births: Mapping[str, Birth] = MappingProxyType({}),
) -> Evolve:
    """Return a run of one scheme before its first generation."""
    return Evolve(
        network,
        task,
        rules,
        population=CHILDREN,
        strength=1.0,
        blueprint=Blueprint.of(network, births=births, operators=OPERATORS),
        seed=seed,
    )


def _asexual(network: Heads, task: Memorise, seed: int) -> Evolve:
    """Return a run whose children have one parent of the best, and none is kept."""
    rules = [TopN(PARENTS, Tournament(1, 1)), Dominant(), Append(row_addition.NAME)]
    return _begun(network, task, seed, rules, _from_zero(network))


def _sexual(network: Heads, task: Memorise, seed: int) -> Evolve:
    """Return a run whose children have two parents of the best, and each row is from one."""
    candidates = TopN(PARENTS, Everyone(cutoff=1e9))
    rules = [MateChoice(candidates, pull=0.0), ByRow(), Dominant(), Append(row_addition.NAME)]
    return _begun(network, task, seed, rules, _from_zero(network))


def _with_norm(network: Heads, task: Memorise, seed: int) -> Evolve:
    """Return the asexual run with steps that keep the norms of rows, which begin with norm 1."""
    addition = Blueprint.of(network, operators=OPERATORS).number_of(row_addition.NAME)
    keeps_norm = Append("norm", arguments=(addition,))
    return _begun(network, task, seed, [TopN(PARENTS, Tournament(1, 1)), Dominant(), keeps_norm])


_SCHEMES: Mapping[str, Callable[[Heads, Memorise, int], Evolve]] = MappingProxyType(
    {"asexual": _asexual, "row by row": _sexual, "norm": _with_norm}
)
"""The schemes by name."""


def _from_zero(network: Heads) -> dict[str, Birth]:
    return dict.fromkeys(network.bank, Birth("constant", 0))


def _norm(run: Evolve) -> float:
    """Return the mean norm of the rows of the best member."""
    return float(run.best.weights()["features"].norm(dim=1).mean())


def _wrong(outcome: Outcome) -> int:
    return round(-outcome.score)


def _range(outcomes: list[Outcome]) -> str:
    """Return the smallest and the largest number of wrong answers, as a text."""
    low, high = min(map(_wrong, outcomes)), max(map(_wrong, outcomes))
    return f"{low}" if low == high else f"{low} to {high}"


def _solved_at(outcome: Outcome) -> str:
    """Return the first generation without a wrong answer, as a text."""
    return f"{outcome.curve.index(0.0):,}" if 0.0 in outcome.curve else "never"


def _shown(outcome: Outcome) -> str:
    return ", ".join(f"{norm:.4g}" for norm in outcome.looks)


def _growth(outcome: Outcome) -> float:
    return float(outcome.looks[-1] / outcome.looks[1])


def _drift(outcome: Outcome) -> float:
    return abs(float(outcome.looks[-1] / outcome.looks[0] - 1.0))
