"""The value of a metric in every run."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from clantune_store.database import Database
from clantune_store.errors import MetricError
from clantune_store.questions.metric import metric_of
from clantune_store.questions.narrowing import (
    datasets_of,
    require_family,
    require_values,
    with_condition,
)
from clantune_store.questions.resolving import questions_of
from clantune_store.questions.scores import Scope, scores_of


@attrs.frozen
class RunValues:
    """A metric of one algo, in each run that has a value.

    Attributes:
        algo: Algo that it is in.
        lowest: Whether the lowest value is the best.
        values: Finite values by number of the run.
        left_out: How many values took no part because they are not finite numbers.
    """

    algo: str
    lowest: bool
    values: Mapping[int, float]
    left_out: int = 0

    def best_first(self, value: float) -> float:
        """Return a number by which values are sorted, the best one first."""
        return value if self.lowest else -value


def run_values(
    database: Database,
    metric: str,
    *,
    where: str = "",
    lowest: bool = False,
    dataset: str | None = None,
    family: str | None = None,
    algo: str | None = None,
) -> RunValues:
    """Return the value of each run.

    Args:
        database: Database to ask.
        metric: Metric, as `top` takes it.
        where: Condition over names of the same algo.
        lowest: Whether the lowest value is the best; a named metric may say so too.
        dataset: The only data set to ask.
        family: The only family to ask.
        algo: The only algo to ask.

    Raises:
        MetricError: The metric is not allowed or not reported, several algos have it, or no value
            is a finite number.
    """
    with database.read() as connection:
        asked = with_condition(metric_of(connection, metric), where)
        scope = Scope(tuple(datasets_of(connection, dataset)), family, every=dataset is None)
        questions = questions_of(connection, asked, algo)
        if len(questions) > 1:
            algos = ", ".join(repr(question.algo) for question in questions)
            raise MetricError(
                f"{len(questions)} algos have reported {metric!r}: {algos}; give the one that "
                "counts as algo"
            )
        rows = connection.execute(scores_of(questions[0], scope)).all()
        values = {row.run: row.value for row in rows if row.value is not None}
        left_out = len(rows) - len(values)
        if not values:
            require_family(connection, family)
            require_values(metric, asked, left_out, dataset, family)
    return RunValues(questions[0].algo, lowest or asked.lowest, values, left_out)
