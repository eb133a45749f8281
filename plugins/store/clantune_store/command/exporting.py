"""The verbs `export` and `report`: runs become a table, a study of Optuna, or a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from clantune_store.command.options import NOT_ALL, Verb, common, opened, unanswered
from clantune_store.command.printing import complain, say, say_json
from clantune_store.errors import MetricError
from clantune_store.printable import counted

if TYPE_CHECKING:
    from clantune_store.groups.store import Store

OPTUNA = "optuna:"


@click.command(cls=Verb)
@click.option("--to", required=True, metavar="FILE.csv|.json|.parquet|optuna:URL", help="Where to.")
@click.option("--data", help="Only runs of this data set.")
@click.option("--family", help="Only runs of this family.")
@click.option("--group", help="Only runs of this group: number, label, or beginning of its id.")
@click.option("--all", "every", is_flag=True, help="Table: also runs that did not end well.")
@click.option("--force", is_flag=True, help="Table: replace a file that is there.")
@click.option("--metric", metavar="METRIC", help="Optuna: what the trials have as their value.")
@click.option("--lowest", is_flag=True, help="Optuna: the lowest values are the best.")
@click.option("--algo", help="Optuna: only results of this algo.")
@click.option("--study", metavar="NAME", help="Optuna: name of the study. [default: METRIC]")
@common
def export(
    to: str,
    data: str | None,
    family: str | None,
    group: str | None,
    every: bool,
    force: bool,
    metric: str | None,
    lowest: bool,
    algo: str | None,
    study: str | None,
    db: str | None,
    as_json: bool,
) -> int:
    """Write runs for other programs: a table with a row for each run, or a study of Optuna.

    A table has the runs that ended well. JSON and Parquet keep every text; in CSV, a text that a
    spreadsheet would calculate gets ' before it. A study gets each run once, however often it is
    exported; runs that failed are failed trials.
    """
    narrowed: dict[str, Any] = {"dataset": data, "family": family, "group": group}
    if not to.startswith(OPTUNA):
        _require_none("optuna:URL", metric=metric, lowest=lowest, algo=algo, study=study)
        state = None if every else "ok"
        count = opened(db).export_table(to, state=state, force=force, **narrowed)
        _tell({"to": to, "runs": count}, f"{to}: {counted(count, 'run')}", as_json=as_json)
        return 0
    _require_none("a table", all=every, force=force)
    if metric is None:
        raise click.UsageError("a study needs --metric METRIC, the value of its trials")
    url = to.removeprefix(OPTUNA)
    if not url:
        raise click.UsageError("give a storage: optuna:sqlite:///study.db, or optuna:study.log")
    given = {"lowest": lowest, "algo": algo, "study": study, **narrowed}
    return _export_study(opened(db), url, metric, given, as_json=as_json)


@click.command(cls=Verb)
@click.argument("metric")
@click.option("-o", "output", required=True, metavar="FILE.html", help="File to write.")
@click.option("--lowest", is_flag=True, help="The lowest values are the best.")
@click.option("--data", help="Only runs of this data set.")
@click.option("--family", help="Only runs of this family.")
@click.option("--algo", help="Only results of this algo.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@common
def report(
    metric: str,
    output: str,
    lowest: bool,
    data: str | None,
    family: str | None,
    algo: str | None,
    force: bool,
    db: str | None,
    as_json: bool,
) -> int:
    """Write a page about METRIC, with charts: one file of HTML, which needs no network.

    It shows the best value over runs and time, the best groups, their ancestors, what each
    parameter has to do with the metric, and what failed.
    """
    store = opened(db)
    given: dict[str, Any] = {"dataset": data, "family": family, "algo": algo}
    try:
        facts = store.write_report(metric, output, lowest=lowest, force=force, **given)
    except MetricError as error:
        return unanswered(store, error, metric)
    best = facts.standings[0].group
    _tell(
        {"file": output, "runs": len(facts.points), "best": best},
        f"{output}: {counted(len(facts.points), 'run')}; the best group is {best}",
        as_json=as_json,
    )
    return 0


def _export_study(
    store: Store, url: str, metric: str, given: dict[str, Any], *, as_json: bool
) -> int:
    try:
        done = store.export_study(url, metric, **given)
    except MetricError as error:
        return unanswered(store, error, metric)
    said = {"study": done.study, "added": done.added, "known": done.known}
    known = f"; there already: {done.known}" if done.known else ""
    _tell(
        {**said, "left_out": done.left_out},
        f"{counted(done.added, 'trial')} added to the study {done.study!r}{known}",
        as_json=as_json,
    )
    if done.left_out:
        complain(f"runs that have not ended, or whose process died, are left out: {done.left_out}")
    return NOT_ALL if not done.added + done.known else 0


def _tell(data: dict[str, Any], line: str, *, as_json: bool) -> None:
    if as_json:
        say_json(data)
    else:
        say(line)


def _require_none(of: str, **given: object) -> None:
    """Raise an error if an option is given that only another target takes."""
    for name, value in given.items():
        if value:
            raise click.UsageError(f"--{name} is only for {of}")
