"""Which runs a question is about, and why there are none."""

from __future__ import annotations

import attrs
import sqlalchemy as sa

from clantune_store.database.tables import datasets, runs
from clantune_store.errors import MetricError
from clantune_store.questions.expression import Expression
from clantune_store.questions.metric import Metric
from clantune_store.questions.nearest import instead


def with_condition(metric: Metric, where: str) -> Metric:
    """Return a metric with a further condition.

    Raises:
        MetricError: The condition is not allowed.
    """
    if where:
        Expression.of(where)  # alone, so that it cannot close the bracket below
    both = f"({metric.where}) and ({where})" if metric.where and where else metric.where or where
    return attrs.evolve(metric, where=both)


def datasets_of(connection: sa.Connection, name: str | None) -> dict[int, str]:
    """Return the names of data sets by number: of the one with this name, or of all.

    Raises:
        MetricError: There is none with this name.
    """
    rows = connection.execute(sa.select(datasets)).all()
    found = {row.number: row.name for row in rows if name is None or row.name == name}
    if name is not None and not found:
        known = [row.name for row in rows]
        raise MetricError(f"there is no data set {name!r}{instead(name, known, 'data sets')}")
    return found


def require_family(connection: sa.Connection, family: str | None) -> None:
    """Raise an error if a family is asked for that no run has.

    Raises:
        MetricError: No run has it.
    """
    if family is None:
        return
    known = connection.execute(sa.select(runs.c.family).distinct()).scalars().all()
    if family not in known:
        raise MetricError(f"no run has the family {family!r}{instead(family, known, 'families')}")


def require_values(
    text: str, metric: Metric, left_out: int, dataset: str | None, family: str | None
) -> None:
    """Raise why there are no rows, unless it is that no run meets the condition.

    Raises:
        MetricError: There are no finite values, though no condition excludes any.
    """
    among = f" in the data set {dataset!r}" if dataset is not None else ""
    among += f" in the family {family!r}" if family is not None else ""
    if metric.where:
        return
    if left_out:
        counted = "the only value" if left_out == 1 else f"each of {left_out} values"
        raise MetricError(f"{counted} of {text!r}{among} is not a finite number")
    raise MetricError(f"no run{among} has reported {text!r}")
