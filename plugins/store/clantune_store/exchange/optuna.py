"""A study of Optuna out of the runs of a store, for its plots and its dashboard."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from clantune_store.errors import StoreError
from clantune_store.exchange.distributions import Dimension, dimensions, encoded
from clantune_store.exchange.selecting import Selection
from clantune_store.exchange.wide import free_name, full_result
from clantune_store.extras import extra
from clantune_store.questions.run_values import RunValues
from clantune_store.runs.listing import Run
from clantune_store.space.space import Space

FINAL = ("ok", "failed")
"""States that never change. A run that was taken for dead may still end well."""

ID = "id"
"""Attribute of a trial that says which run it is."""

METRIC = "metric"
"""Attribute of a study that says which metric of which algo its values are."""


@attrs.frozen
class Exported:
    """What an export to Optuna did.

    Attributes:
        study: Name of the study.
        added: How many trials it has got.
        known: How many runs it had already.
        left_out: How many runs may still end, so that no trial is made of them.
    """

    study: str
    added: int
    known: int
    left_out: int


def export_study(
    selection: Selection,
    spaces: Sequence[Space],
    values: RunValues,
    url: str,
    metric: str,
    name: str | None = None,
) -> Exported:
    """Add a finished trial for each run to a study, which is made if there is none.

    A run that failed, or has no finite value, is a failed trial. A run that the study has already
    is left alone, so that a second export adds only what is new.

    Args:
        selection: Runs in all states.
        spaces: Spaces of their groups.
        values: Values of the metric.
        url: URL of a database as Optuna takes it, or a path: a journal in a file.
        metric: Metric, as it was asked for.
        name: Name of the study; None: that of the metric.

    Raises:
        StoreError: Optuna is not installed, cannot use the database, or has a study of this name
            with another metric, another direction or other options.
    """
    name = name or metric
    final = [run for run in selection.runs if run.state in FINAL]
    known = dimensions(selection, spaces)
    with _failing(url, name), storage_at(url) as storage:
        own = full_result(values.algo, metric.removeprefix(f"{values.algo}."))
        study = _study(storage, name, own, lowest=values.lowest)
        there = {trial.user_attrs.get(ID) for trial in study.get_trials(deepcopy=False)}
        new = [run for run in final if str(run.id) not in there]
        study.add_trials([_trial(run, selection, values, known) for run in new])
    return Exported(name, len(new), len(final) - len(new), len(selection.runs) - len(final))


@contextlib.contextmanager
def storage_at(url: str) -> Iterator[Any]:
    """Open the storage of Optuna at a URL, or in a journal file at a path."""
    storages = extra("optuna", "optuna").storages
    if "://" not in url:
        yield storages.JournalStorage(storages.journal.JournalFileBackend(url))
        return
    made = sa.make_url(url)
    if made.drivername in ("postgresql", "postgres"):
        made = made.set(drivername="postgresql+psycopg")
    storage = storages.RDBStorage(made.render_as_string(hide_password=False))
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _study(storage: Any, name: str, metric: str, *, lowest: bool) -> Any:
    optuna = extra("optuna", "optuna")
    direction = "minimize" if lowest else "maximize"
    study = optuna.create_study(
        storage=storage, study_name=name, direction=direction, load_if_exists=True
    )
    had = [each.name.lower() for each in study.directions]
    if had != [direction]:
        raise StoreError(
            f"the study {name!r} is there already, to {' and '.join(had)}, and this would "
            f"{direction}: give another name with --study"
        )
    held = study.user_attrs.get(METRIC, metric)
    if held != metric:
        raise StoreError(
            f"the study {name!r} is there already, with the values of {held!r}, and these are "
            f"those of {metric!r}: give another name with --study"
        )
    study.set_user_attr(METRIC, metric)
    return study


@contextlib.contextmanager
def _failing(url: str, name: str) -> Iterator[None]:
    """Make errors of Optuna and its database ours, and keep its log silent."""
    optuna = extra("optuna", "optuna")
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    except (sa.exc.SQLAlchemyError, ImportError, OSError) as error:
        cause = str(getattr(error, "orig", None) or error).strip().split("\n", 1)[0]
        raise StoreError(f"Optuna cannot use the storage {_shown(url)}: {cause}") from error
    except json.JSONDecodeError as error:
        raise StoreError(f"{_shown(url)} is not a journal of Optuna: give another file") from error
    except ValueError as error:
        text = str(error).rstrip(".")
        raise StoreError(
            f"the study {name!r} does not take these runs: {text}. Give another name with --study"
        ) from error
    finally:
        optuna.logging.set_verbosity(before)


def _shown(url: str) -> str:
    """Return a URL without its password."""
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return url if "://" not in url else "of this URL"


def _trial(
    run: Run, selection: Selection, values: RunValues, known: Mapping[str, Dimension]
) -> Any:
    optuna = extra("optuna", "optuna")
    given = selection.values[run.group]
    params = encoded(given, known)
    value = values.values.get(run.number) if run.state == "ok" else None
    state = optuna.trial.TrialState.FAIL if value is None else optuna.trial.TrialState.COMPLETE
    trial = optuna.trial.create_trial(
        state=state,
        value=value,
        params={_dotted(name): each for name, each in params.items()},
        distributions={_dotted(name): known[name].distribution for name in params},
        user_attrs=_attributes(run, {name: given[name] for name in given if name not in known}),
    )
    moments = [moment for moment in (run.started, run.stopped) if moment is not None]
    if moments:
        trial.datetime_start = datetime.datetime.fromtimestamp(moments[0])  # as Optuna: local time
        trial.datetime_complete = datetime.datetime.fromtimestamp(moments[-1])
    return trial


def _attributes(run: Run, constants: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        ID: str(run.id),
        "run": run.number,
        "group": run.group,
        "dataset": run.dataset,
        "family": run.family,
    }
    if "error" in run.note:
        found["error"] = str(run.note["error"])
    taken = {*found}
    for name, value in constants.items():
        found[free_name(_dotted(name), "parameter:", taken)] = value
    for algo, below in run.results.items():
        for name, value in below.items():
            found[free_name(full_result(algo, name), "result:", taken)] = value
    return found


def _dotted(name: str) -> str:
    return name.replace("__", ".")
