"""Searches with the budget of four ranks: models are trained alone, with the batches of a rank.

Ray Tune and Optuna come with `pip install "clantune[rivals]"`.
"""

from __future__ import annotations

import math
import os
import random
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from _contenders import Contender
from _plain import Start
from _proof_tasks import PROOF_TASKS
from _tasks import Task
from _trial import Outcome, Trial

TRIALS = 4
SPANS = {"lr": 30.0, "weight_decay": 100.0}
"""How far from the start a search looks, in both directions, as a factor."""
TURNS = 20
"""How often a trial is measured, as often as a clan has rounds."""


def _around(start: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Return the ranges that are searched."""
    return {name: (value / SPANS[name], value * SPANS[name]) for name, value in start.items()}


def _drawn(first: Mapping[str, float], seed: int) -> list[dict[str, float]]:
    """Return the settings of a population: those of the start, and others that are drawn."""
    draws, ranges = Random(seed), _around(first)
    return [dict(first)] + [
        {n: math.exp(draws.uniform(*map(math.log, each))) for n, each in ranges.items()}
        for _ in range(TRIALS - 1)
    ]


def random_search(task: Task, start: Start, seed: int, steps: int) -> Outcome:
    """Train four times, once with the start; take the best."""
    trials = [Trial(task, start, TRIALS * seed + number, steps) for number in range(TRIALS)]
    for trial, settings in zip(trials, _drawn(trials[0].settings, seed), strict=True):
        trial.settings = settings
        trial.train(steps)
    best = min(trials, key=Trial.judged)
    return Outcome(best.test(), steps + best.judge.steps)


def asha(task: Task, start: Start, seed: int, steps: int) -> Outcome:
    """Let Optuna propose settings, and end trials early by successive halving."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=4),
    )
    first = Trial(task, start, TRIALS * seed, steps)
    ranges = _around(first.settings)
    study.enqueue_trial(first.settings)
    trained, measured, best, test = 0, 0.0, math.inf, math.inf
    while trained < TRIALS * steps:
        asked = study.ask()
        trial = Trial(task, start, TRIALS * seed + asked.number, steps)
        trial.settings = {n: asked.suggest_float(n, *ranges[n], log=True) for n in ranges}
        ends = optuna.trial.TrialState.PRUNED
        for turn in range(TURNS):
            left = TRIALS * steps - trained - trial.done
            trial.train(min(left, math.ceil(steps / TURNS)))
            loss = trial.judged()
            asked.report(loss, turn + 1)
            if trial.done == steps:
                ends = optuna.trial.TrialState.COMPLETE
                if loss < best:
                    best, test = loss, trial.test()
            elif not asked.should_prune() and trained + trial.done < TRIALS * steps:
                continue
            break
        study.tell(asked, loss if ends == optuna.trial.TrialState.COMPLETE else None, ends)
        trained, measured = trained + trial.done, measured + trial.judge.steps
    return Outcome(test, (trained + measured) / TRIALS)


def ray_pbt(task: Task, start: Start, seed: int, steps: int) -> Outcome:
    """Train a population by PBT in Ray Tune, as its documentation sets it up."""
    from ray.tune.schedulers import PopulationBasedTraining

    def make(ranges: Mapping[str, tuple[float, float]]) -> Any:
        from ray import tune

        return PopulationBasedTraining(
            time_attr="training_iteration",
            perturbation_interval=1,
            hyperparam_mutations={n: tune.loguniform(*each) for n, each in ranges.items()},
            synch=True,
        )

    return _in_ray(make, task, start, seed, steps)


def ray_pb2(task: Task, start: Start, seed: int, steps: int) -> Outcome:
    """Train a population by PB2 in Ray Tune: a Gaussian process proposes settings."""
    from ray.tune.schedulers.pb2 import PB2

    def make(ranges: Mapping[str, tuple[float, float]]) -> Any:
        return PB2(
            time_attr="training_iteration",
            perturbation_interval=1,
            hyperparam_bounds={name: [*each] for name, each in ranges.items()},
            synch=True,
        )

    return _in_ray(make, task, start, seed, steps)


def _in_ray(
    make: Callable[[Mapping[str, tuple[float, float]]], Any],
    task: Task,
    start: Start,
    seed: int,
    steps: int,
) -> Outcome:
    """Train a population with a scheduler of Ray Tune that `make` makes for ranges of settings."""
    import ray
    from ray import tune

    first = Trial(task, start, TRIALS * seed, steps).settings
    drawn = _drawn(first, seed)

    def draw(name: str) -> Any:
        return tune.sample_from(lambda spec: drawn[_config(spec)["number"]][name])

    random.seed(seed)  # Ray's schedulers draw from these
    np.random.seed(seed)
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # where its processes find this module
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, ignore_reinit_error=True)
    with tempfile.TemporaryDirectory() as folder:
        results = tune.Tuner(
            tune.with_resources(_trainable(task.name, start, seed, steps), {"cpu": 0.5}),
            param_space={
                "number": tune.grid_search([*range(TRIALS)]),
                **{name: draw(name) for name in first},
            },
            tune_config=tune.TuneConfig(
                metric="loss", mode="min", scheduler=make(_around(first)), reuse_actors=True
            ),
            run_config=tune.RunConfig(storage_path=folder, verbose=0),
        ).fit()
    if results.errors:
        raise results.errors[0]
    best = results.get_best_result("loss", "min", scope="last").metrics or {}
    measured = TURNS * len(task.judged[0]) / (3.0 * task.batch_size)
    return Outcome(best["test"], steps + measured)


def _config(spec: Any) -> dict[str, int]:
    config: dict[str, int] = spec.config
    return config


def _trainable(task: str, start: Start, seed: int, steps: int) -> Any:
    """Return a trial as Ray Tune wants it, a class."""
    from ray import tune

    class Training(tune.Trainable):  # type: ignore[misc]  # Ray may not be installed
        def setup(self, config: dict[str, Any]) -> None:
            torch.set_num_threads(1)
            place = TRIALS * seed + int(config["number"])
            self.trial = Trial(PROOF_TASKS[task](), start, place, steps)
            self.reset_config(config)

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self.trial.settings = {each: new_config[each] for each in SPANS}
            return True

        def step(self) -> dict[str, object]:
            self.trial.train(math.ceil(steps / TURNS))
            loss, is_done = self.trial.judged(), self.trial.done >= steps
            loss = min(loss, 1e9)  # Ray compares numbers only
            return {"loss": loss, "done": is_done, "test": self.trial.test()}

        def save_checkpoint(self, checkpoint_dir: str) -> None:
            self.trial.save(Path(checkpoint_dir) / "trial.pt")

        def load_checkpoint(self, checkpoint: Any) -> None:  # the path of a folder
            self.trial.load(Path(checkpoint) / "trial.pt")

    return Training


SEARCHES: Mapping[str, Contender] = {
    "random search": random_search,
    "ASHA (Optuna)": asha,
    "PBT (Ray Tune)": ray_pbt,
    "PB2 (Ray Tune)": ray_pb2,
}
