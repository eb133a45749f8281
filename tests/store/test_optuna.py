"""Runs as a study of Optuna."""

import contextlib
import json
import warnings

import pytest
import sqlalchemy as sa

from clantune_store import MetricError, Parameters, Store, StoreError
from clantune_store.command import main
from clantune_store.database.tables import runs
from clantune_store.exchange.optuna import storage_at

optuna = pytest.importorskip("optuna")
pytest.importorskip("plotly")

BASE = """
steps_int = { value = 40, min = 0, max = 100 }
rate_log = { value = 0.01, min = 1e-5, max = 1.0 }
free = 9.0
[band]
half = { value = 3.0, min = 0 }
mode_choice = ["fast", "slow"]
list_choice = [[1, 2], [3]]
on_bool = true
title_str = "x"
"""
PLOTS = ("contour", "edf", "optimization_history", "parallel_coordinate", "param_importances")
PLOTS += ("rank", "slice", "timeline")


def break_down(count):
    if count % 7 == 0:
        raise RuntimeError("it broke")


def fill(store, path):
    """Add 24 groups with a run on each of two data sets, of which every seventh fails."""
    count = 0
    for index in range(24):
        drawn = {
            "steps_int": index * 4,
            "rate_log": 10 ** -(index % 5),
            "free": index * 1.5 - 7,
            "band.half": index % 7,
            "band.mode_choice": "fast" if index % 3 else "slow",
            "band.list_choice": [3] if index % 4 else [1, 2],
            "band.on_bool": index % 2 == 0,
        }
        group = store.load(path, set=drawn if index else {})
        for dataset in ("SPY", "QQQ"):
            count += 1
            told = Parameters(store, group=group.number, dataset=dataset)
            with contextlib.suppress(RuntimeError), told.report() as result:
                result["co2"]["loss"] = abs(index - 13) + (dataset == "QQQ") / 4
                result["ms"] = float("nan") if index == 3 else index
                break_down(count)
    return store


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Folder with a filled SQLite store, which no test writes to."""
    folder = tmp_path_factory.mktemp("optuna")
    (folder / "base.toml").write_text(BASE)
    fill(Store.create(folder / "s.db"), folder / "base.toml").close()
    return folder


@pytest.fixture
def store(path):
    with Store(path / "s.db") as opened:
        yield opened


@pytest.fixture
def url(tmp_path):
    """A journal in a file; a database of Optuna takes ten times as long."""
    return f"{tmp_path}/study.log"


@pytest.fixture
def load(url):
    """Open a study; its connections are closed after the test."""
    with contextlib.ExitStack() as stack:

        def open_study(name="loss", url=url):
            storage = stack.enter_context(storage_at(url))
            return optuna.load_study(storage=storage, study_name=name)

        yield open_study


def test_the_best_trial_is_the_best_run_and_every_plot_draws(store, url, load):
    done = store.export_study(url, "loss", lowest=True)
    assert (done.study, done.added, done.known, done.left_out) == ("loss", 48, 0, 0)
    study = load()
    best = store.top("loss", 1, lowest=True)[0]
    assert study.direction.name == "MINIMIZE"
    assert study.best_value == best.value
    assert study.best_trial.user_attrs["run"] == best.run
    assert study.best_trial.user_attrs["group"] == best.group
    for name in PLOTS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            figure = getattr(optuna.visualization, f"plot_{name}")(study)
        assert len(figure.data) > 0, name


def test_a_trial_has_what_the_run_had(store, url, load):
    store.export_study(url, "co2.loss", lowest=True)
    trials, ours = load("co2.loss").get_trials(), store.runs()
    assert [trial.user_attrs["id"] for trial in trials] == [str(run.id) for run in ours]
    for trial, run in zip(trials, ours, strict=True):
        assert trial.state.name == {"ok": "COMPLETE", "failed": "FAIL"}[run.state]
        assert trial.datetime_start.timestamp() == pytest.approx(run.started, abs=1e-5)
        assert trial.datetime_complete.timestamp() == pytest.approx(run.stopped, abs=1e-5)
    first = trials[2]
    assert first.params == {
        "steps_int": 4,
        "rate_log": 0.1,
        "free": -5.5,
        "band.half": 1.0,
        "band.mode_choice": "fast",
        "band.list_choice": "[3]",
        "band.on_bool": False,
    }
    assert first.value == 12.0
    assert first.user_attrs == {
        "id": str(ours[2].id),
        "run": 3,
        "group": 2,
        "dataset": "SPY",
        "family": "SPY",
        "band.title_str": "x",
        "co2.loss": 12.0,
        "ms": 1.0,
    }
    assert trials[6].user_attrs["error"].endswith("RuntimeError: it broke\n")


def test_an_open_end_is_the_outermost_value_that_was_seen(store, url, load):
    store.export_study(url, "loss")
    optuna_float = optuna.distributions.FloatDistribution
    known = load().trials[0].distributions
    assert known == {
        "band.half": optuna_float(0.0, 6.0),
        "band.list_choice": optuna.distributions.CategoricalDistribution(("[1,2]", "[3]")),
        "band.mode_choice": optuna.distributions.CategoricalDistribution(("fast", "slow")),
        "band.on_bool": optuna.distributions.CategoricalDistribution((False, True)),
        "free": optuna_float(-5.5, 27.5),
        "rate_log": optuna_float(1e-5, 1.0, log=True),
        "steps_int": optuna.distributions.IntDistribution(0, 100),
    }


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_a_second_export_adds_only_new_runs(path, tmp_path, kind, load):
    target = f"sqlite:///{tmp_path}/study.db" if kind == "sqlite" else f"{tmp_path}/study.log"
    with Store.create(tmp_path / "own.db") as store:
        group = store.load(path / "base.toml").number
        other = store.load(path / "base.toml", set={"free": 1.0}).number
        for each in (group, other):
            with Parameters(store, group=each).report() as result:
                result["loss"] = each
        done = store.export_study(target, "loss")
        assert (done.added, done.known) == (2, 0)
        far = store.load(path / "base.toml", set={"free": 99.0}).number
        with Parameters(store, group=far).report() as result:
            result["loss"] = 5
        done = store.export_study(target, "loss")
        assert (done.added, done.known) == (1, 2)
    study = load(url=target)
    assert [trial.value for trial in study.trials] == [1.0, 2.0, 5.0]
    assert study.best_trial.params["free"] == 99.0


def test_runs_that_may_still_end_and_values_that_are_not_finite(tmp_path, url, load):
    with Store.create(tmp_path / "s.db") as store:
        store.load(set={"a": 1.0})
        for value in (1.0, float("nan"), 2.0, 3.0):
            with Parameters(store).report() as result:
                result["loss"] = value
        with store.database.write() as connection:
            late = runs.update().where(runs.c.number == 4)
            connection.execute(late.values(state="stale"))
        done = store.export_study(url, "loss")
    assert (done.added, done.left_out) == (3, 1)
    assert [trial.value for trial in load().trials] == [1.0, None, 2.0]
    assert [trial.state.name for trial in load().trials] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert load().trials[0].params == {}
    assert load().trials[0].user_attrs["a"] == 1.0


def test_hostile_texts_are_data(tmp_path, url, load):
    hostile = "'; DROP TABLE trials; --<script>%s{0}"
    with Store.create(tmp_path / "s.db") as store:
        for options in ([hostile, "plain"], ["plain", hostile]):
            group = store.load(set={"a.x_choice": options}).number
            told = Parameters(store, group=group, dataset=hostile, family=hostile)
            with told.report() as result:
                result[hostile][hostile] = 1.0
        store.export_study(url, f"{hostile}.{hostile}", study=hostile)
    trial = load(hostile).trials[0]
    assert trial.params == {"a.x_choice": hostile}
    assert trial.user_attrs["dataset"] == hostile


def test_what_optuna_cannot_take_is_said(store, path, tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"  # a journal takes everything

    def refusal(error, *arguments, **options):
        with pytest.raises(error) as caught:
            store.export_study(*arguments, **options)
        return str(caught.value)

    assert refusal(MetricError, url, "los") == ("no run has reported 'los'; the nearest is 'loss'")
    store.export_study(url, "loss")
    assert refusal(StoreError, url, "loss", lowest=True) == (
        "the study 'loss' is there already, to maximize, and this would minimize: give another "
        "name with --study"
    )
    store.export_study(url, "loss", lowest=True, study="least")
    assert store.export_study(url, "co2.loss", study="loss").added == 0
    assert refusal(StoreError, url, "loss * 2", study="loss") == (
        "the study 'loss' is there already, with the values of 'co2.loss', and these are those "
        "of 'co2.loss * 2': give another name with --study"
    )
    (tmp_path / "t.csv").write_text("a,b\n")
    assert refusal(StoreError, str(tmp_path / "t.csv"), "loss") == (
        f"{tmp_path / 't.csv'} is not a journal of Optuna: give another file"
    )
    assert refusal(StoreError, "sqlite:////no/such/folder/x.db", "loss") == (
        "Optuna cannot use the storage sqlite:////no/such/folder/x.db: unable to open database file"
    )
    away = sa.URL.create("oracel", "u", "secret", "h", database="x")
    assert refusal(StoreError, away.render_as_string(hide_password=False), "loss").startswith(
        f"Optuna cannot use the storage {away}: "
    )
    assert "secret" not in str(away)
    with Store.create(tmp_path / "o.db") as other:
        options = {"band.mode_choice": ["fast", "slow", "new"]}
        base = other.load(path / "base.toml", set=options).number
        with Parameters(other, group=base).report() as result:
            result["co2"]["loss"] = 1
        with pytest.raises(StoreError) as caught:
            other.export_study(url, "loss")
    assert str(caught.value) == (
        "the study 'loss' does not take these runs: CategoricalDistribution does not support "
        "dynamic value space. Give another name with --study"
    )


def test_several_algos_with_a_metric_need_one_of_them(tmp_path, url, load):
    with Store.create(tmp_path / "s.db") as store:
        store.load(set={"a": 1.0})
        with Parameters(store).report() as result:
            result["co2"]["loss"], result["ice"]["loss"] = 1.0, 2.0
        with pytest.raises(MetricError) as caught:
            store.export_study(url, "loss")
        assert str(caught.value) == (
            "2 algos have reported 'loss': 'co2', 'ice'; give the one that counts as algo"
        )
        store.export_study(url, "loss", algo="ice")
    assert load().best_value == 2.0


def test_the_verb(path, url, capsys):
    def call(*arguments):
        given = ["export", "--db", str(path / "s.db"), "--to", f"optuna:{url}", *arguments]
        status = main(given, "clantune store")
        said = capsys.readouterr()
        return status, said.out, said.err

    assert call("--metric", "loss", "--lowest") == (0, "48 trials added to the study 'loss'\n", "")
    status, out, _ = call("--metric", "loss", "--lowest", "--data", "SPY", "--json")
    expected = {"study": "loss", "added": 0, "known": 24, "left_out": 0}
    assert (status, json.loads(out)) == (0, expected)
    status, _, err = call("--metric", "los")
    assert (status, err) == (
        1,
        "clantune store export: no run has reported 'los'; the nearest is 'loss'\n",
    )
    usage = "(`clantune store export --help` says more)\n"
    assert call()[2] == (
        f"clantune store export: a study needs --metric METRIC, the value of its trials {usage}"
    )
    assert call("--metric", "loss", "--force")[2] == (
        f"clantune store export: --force is only for a table {usage}"
    )


def test_a_study_on_a_server(store, postgres_url, load):
    store.export_study(postgres_url, "loss", lowest=True, study="on a server")
    assert len(load("on a server", postgres_url).trials) == 48
    with storage_at(postgres_url) as storage:
        optuna.delete_study(storage=storage, study_name="on a server")
