"""From the names in a metric to the numbers that the database has for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import attrs
import sqlalchemy as sa

from clantune_store.database.tables import metrics
from clantune_store.errors import MetricError
from clantune_store.questions.expression import Expression
from clantune_store.questions.metric import Metric
from clantune_store.questions.nearest import instead

Reported = Mapping[str, Mapping[str, int]]
"""Numbers by algo and name of all metrics that a run has reported."""


@attrs.frozen
class Question:
    """A metric within one algo.

    Attributes:
        algo: Algo.
        plain: Number of the metric, if the values are as reported.
        expression: Expression, if they are not.
        where: Condition, or None.
        numbers: Number of the metric of each name in the expression and the condition.
    """

    algo: str
    plain: int | None
    expression: Expression | None
    where: Expression | None
    numbers: Mapping[str, int]


def questions_of(
    connection: sa.Connection, metric: Metric, algo: str | None = None
) -> list[Question]:
    """Return a metric for each algo that has reported all of its names.

    Args:
        connection: Any transaction.
        metric: Metric, whose expression is not a named one.
        algo: The only algo to ask; None: all.

    Raises:
        MetricError: There is no such algo, or no algo has reported a name.
    """
    reported = _reported(connection)
    if not reported:
        raise MetricError(f"no run has reported {metric.expression!r}: there are no results yet")
    if algo is not None:
        if algo not in reported:
            raise MetricError(
                f"no run has reported the algo {algo!r}{instead(algo, reported, 'algos')}"
            )
        reported = {algo: reported[algo]}
    where = Expression.of(metric.where) if metric.where else None
    plain = _plain(reported, metric.expression)
    if not plain:
        expression = Expression.of(metric.expression)
        names = [*expression.names, *(where.names if where else ())]
        if not names:
            raise MetricError(f"the metric {metric.expression!r} names nothing that is reported")
        found = _in_one_algo(reported, names)
        return [Question(each, None, expression, where, found[each]) for each in found]
    if where is None:
        return [Question(each, number, None, None, {}) for each, number in plain]
    found = _in_one_algo({each: reported[each] for each, _ in plain}, where.names)
    return [Question(each, n, None, where, found[each]) for each, n in plain if each in found]


def _reported(connection: sa.Connection) -> Reported:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(sa.select(metrics).order_by(metrics.c.algo, metrics.c.name)):
        found[row.algo][row.name] = row.number
    return found


def _plain(reported: Reported, text: str) -> list[tuple[str, int]]:
    """Return the algos and numbers of the metrics that a text is the exact name of."""
    full = [
        (algo, names[text.removeprefix(f"{algo}.")])
        for algo, names in reported.items()
        if algo and text.startswith(f"{algo}.") and text.removeprefix(f"{algo}.") in names
    ]
    return full or [(algo, names[text]) for algo, names in reported.items() if text in names]


def _in_one_algo(reported: Reported, names: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return the numbers of all names, for each algo that has them all."""
    wanted = list(dict.fromkeys(names))
    found = {}
    for algo in reported:
        known = {name: _plain({algo: reported[algo]}, name) for name in wanted}
        if all(known.values()):
            found[algo] = {name: known[name][0][1] for name in wanted}
    if not found:
        raise _nowhere(reported, wanted)
    return found


def _nowhere(reported: Reported, wanted: list[str]) -> MetricError:
    for name in wanted:
        if not _plain(reported, name):
            return MetricError(
                f"no run has reported {name!r}{instead(name, _all(reported), 'results')}"
            )
    algos = [f"{name!r} in {' and '.join(_algos(reported, name))}" for name in wanted]
    return MetricError(
        f"no algo has reported all of this: {', '.join(algos)}; a metric is over the names of one "
        "algo"
    )


def _algos(reported: Reported, name: str) -> list[str]:
    return [repr(algo) for algo, _ in _plain(reported, name)]


def _all(reported: Reported) -> list[str]:
    full = [f"{algo}.{name}".lstrip(".") for algo, names in reported.items() for name in names]
    return [*full, *(name for names in reported.values() for name in names)]
