"""A sampler of Optuna as a breeder: what all groups were worth goes in, children come out."""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from clantune_store.breeding.breeder import Breeder, Child, MakeBreeder, Setting
from clantune_store.breeding.choosing import read_strategy
from clantune_store.breeding.population import graded
from clantune_store.breeding.proposals import Knob, knobs
from clantune_store.errors import StoreError
from clantune_store.extras import extra
from clantune_store.questions.nearest import instead

STATEFUL = ("CmaEsSampler",)
"""Samplers that learn only from trials that they proposed themselves in the same study."""


def optuna_sampler(text: str) -> MakeBreeder:
    """Return what makes a breeder of a sampler of Optuna.

    The sampler sees every group that has a value as a finished trial, whose value is the fitness
    of the group. It takes no group as a parent, so its children have none.

    Args:
        text: Name of a class in `optuna.samplers`, such as `"TPESampler"`, and keyword arguments
            for it, as in `"TPESampler:multivariate=true"`. The seed is that of breeding.

    Raises:
        StoreError: Optuna is not installed, has no such sampler, or the sampler has no such
            argument.
    """
    name, arguments = read_strategy(text)
    made = _class_of(name)
    known = [each for each in inspect.signature(made).parameters if each != "seed"]
    if "seed" in arguments:
        raise StoreError(f"the sampler {name} gets the seed of breeding: leave its own seed out")
    for each in arguments:
        if each not in known:
            raise StoreError(
                f"the sampler {name} has no argument {each!r}{instead(each, known, 'arguments')}"
            )

    def make(setting: Setting) -> Breeder:
        with setting.database.read() as connection:
            every = graded(connection, setting.asked)
        fitness = {each.group.number: each.fitness for each in every}
        groups = sorted((each.group for each in every), key=lambda group: group.number)
        values = [setting.space.fit(group.values).values for group in groups]
        study = _study(name, made, arguments, setting.seed)
        found = knobs(setting.space, values)
        with _refusing(name):
            for group, held in zip(groups, values, strict=True):
                _tell(study, found, held, fitness[group.number])
        return SamplerBreeder(setting, study, found)

    return make


class SamplerBreeder:
    """Children that a study of Optuna asks for, one after the other."""

    def __init__(self, setting: Setting, study: Any, known: Mapping[str, Knob]) -> None:
        """Breed.

        Args:
            setting: What it is made from.
            study: Study with a trial for each group.
            known: Parameters that vary.
        """
        self._setting, self._study, self._knobs = setting, study, known
        self._asked: dict[tuple[int, int], Child] = {}

    def child(self, number: int, attempt: int) -> Child:
        """Return a child. A sampler knows what it proposed before, so the order of calls counts."""
        key = (number, attempt)
        if key not in self._asked:
            with _refusing(type(self._study.sampler).__name__):
                trial = self._study.ask(_distributions(self._knobs))
            space = self._setting.space
            proposed = {name: self._knobs[name].decode(at) for name, at in trial.params.items()}
            self._asked[key] = Child(space.fit({**space.values, **proposed}).values)
        return self._asked[key]


def _class_of(name: str) -> Any:
    """Return a sampler that needs no argument which has no form in a text."""
    samplers = extra("optuna", "optuna").samplers
    known = {
        each: getattr(samplers, each)
        for each in samplers.__all__
        if each.endswith("Sampler")
        and each not in STATEFUL
        and _can_be_made(getattr(samplers, each))
    }
    if name not in known:
        raise StoreError(
            f"Optuna has no sampler {name!r} for this{instead(name, known, 'samplers')}"
        )
    return known[name]


def _can_be_made(made: Any) -> bool:
    parameters = inspect.signature(made).parameters
    needed = [each for each in parameters.values() if each.default is inspect.Parameter.empty]
    return "seed" in parameters and not needed


def _study(name: str, made: Any, arguments: Mapping[str, Any], seed: int) -> Any:
    optuna = extra("optuna", "optuna")
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with _refusing(name):
            own = made(**arguments, seed=seed % 2**32)
            return optuna.create_study(direction="maximize", sampler=own)
    finally:
        optuna.logging.set_verbosity(before)


@contextlib.contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Make errors of a sampler ours."""
    optuna = extra("optuna", "optuna")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    except ImportError as error:
        missing = str(error).strip().split("\n", 1)[0]
        raise StoreError(f"the sampler {name} needs a further package: {missing}") from error
    except (TypeError, ValueError) as error:
        raise StoreError(f"the sampler {name} cannot be used: {error}") from error


def _tell(study: Any, known: Mapping[str, Knob], held: Mapping[str, Any], fitness: float) -> None:
    """Add a finished trial. Samplers that breed get it as one of the generation before."""
    optuna = extra("optuna", "optuna")
    breeds = isinstance(study.sampler, optuna.samplers.BaseGASampler)
    states = optuna.trial.TrialState
    trial = optuna.trial.create_trial(
        state=states.RUNNING if breeds else states.COMPLETE,
        value=None if breeds else fitness,
        params={name: knob.encode(held[name]) for name, knob in known.items()},
        distributions=_distributions(known),
    )
    study.add_trial(trial)
    if breeds:
        added = study.get_trials(deepcopy=False)[-1]
        study.sampler.get_trial_generation(study, added)
        study.tell(added.number, fitness)


def _distributions(known: Mapping[str, Knob]) -> dict[str, Any]:
    return {name: knob.distribution for name, knob in known.items()}
