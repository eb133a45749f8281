"""A store with groups, runs and results, written into the tables by hand."""

import json
import uuid

from clantune_store.database.canonical import canonical, id_of
from clantune_store.database.names import insert, numbers_of
from clantune_store.database.tables import datasets, groups, measurements, metrics, runs, spaces


def add_group(database, values, *, number=None):
    """Add a group; return its number."""
    text = canonical(values)
    document = "{}"
    with database.write() as connection:
        connection.execute(
            insert(connection, spaces).values(id=id_of(document), created=0.0, document=document)
        )
        added = groups.insert().values(
            id=id_of(text), space=id_of(document), created=0.0, origin="load", parameters=text
        )
        if number is not None:
            added = added.values(number=number)
        return connection.execute(added).inserted_primary_key[0]


def add_run(database, group, dataset, results, *, family=None):
    """Add a run that has ended well, with results by algo and name; return its number.

    A result is a number, or anything else, which is kept as JSON without a value.
    """
    with database.write() as connection:
        (data,) = numbers_of(connection, datasets, [{"name": dataset}])
        added = runs.insert().values(
            id=uuid.uuid4(),
            group=group,
            dataset=data,
            family=dataset if family is None else family,
            state="ok",
            attempt=1,
        )
        run = connection.execute(added).inserted_primary_key[0]
        for algo, named in results.items():
            for name, value in named.items():
                (metric,) = numbers_of(connection, metrics, [{"algo": algo, "name": name}])
                number = float(value) if isinstance(value, int | float) else None
                connection.execute(
                    measurements.insert().values(
                        metric=metric,
                        run=run,
                        dataset=data,
                        value=number,
                        other=None if number is not None else json.dumps(value),
                    )
                )
    return run


GROUPS = (
    {"speed": 1.0, "steps_int": 10, "mode_choice": "fast", "on_bool": True},
    {"speed": 2.0, "steps_int": 11, "mode_choice": "slow", "on_bool": True},
    {"speed": 4.0, "steps_int": 20, "mode_choice": "slow", "on_bool": False},
)

RUNS = (  # group, data set, profit and trades of co2, profit of ice
    (1, "SPY", 10, 5, 1),
    (1, "AMD", 20, 0, 2),
    (1, "TSLA", "nan", 7, 3),
    (2, "SPY", 30, 200, 4),
    (2, "AMD", 40, 100, 5),
    (2, "TSLA", 40, 20, "inf"),
    (3, "SPY", -5, 1, 7),
    (3, "AMD", 0, 150, 8),
    (3, "TSLA", 15, "nan", 9),
)
"""Run 1 is the first of them, and so on; their family is `G` and the number of the group."""


def fill(database):
    """Add three groups and nine runs on three data sets, with two algos."""
    for values in GROUPS:
        add_group(database, values)
    for group, dataset, profit, trades, ice in RUNS:
        results = {"co2": {"profit": profit, "trades": trades}, "ice": {"profit": ice}}
        add_run(database, group, dataset, results, family=f"G{group}")
    return database
