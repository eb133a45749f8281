"""Rows that tests write by hand, and a database that has some of every table."""

import random
import uuid

import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.canonical import canonical, id_of
from clantune_store.database.names import numbers_of
from clantune_store.database.tables import (
    campaigns,
    datasets,
    groups,
    labels,
    machines,
    measurements,
    metrics,
    named_metrics,
    parents,
    runs,
    spaces,
)


def add_space(connection, document="{}", created=1.0):
    id_ = id_of(document)
    known = connection.execute(sa.select(spaces.c.id).where(spaces.c.id == id_)).scalar()
    if known is None:
        connection.execute(spaces.insert().values(id=id_, created=created, document=document))
    return id_


def add_group(connection, values, *, label=None, created=1.0, origin="load", learned=None):
    text = canonical(values)
    inserted = connection.execute(
        groups.insert().values(
            id=id_of(text),
            space=add_space(connection),
            created=created,
            origin=origin,
            parameters=text,
            learned=learned,
        )
    )
    (number,) = inserted.inserted_primary_key
    if label is not None:
        connection.execute(labels.insert().values(label=label, group=number))
    return number


def add_run(connection, group, results, *, id_=None, dataset="d", state="ok", stopped=2.0, **more):
    id_ = uuid.uuid4() if id_ is None else id_
    (data,) = numbers_of(connection, datasets, [{"name": dataset}])
    inserted = connection.execute(
        runs.insert().values(
            id=id_,
            group=group,
            dataset=data,
            family=dataset,
            state=state,
            attempt=1,
            started=1.0,
            stopped=stopped,
            **more,
        )
    )
    (number,) = inserted.inserted_primary_key
    for (algo, name), value in results.items():
        (metric,) = numbers_of(connection, metrics, [{"algo": algo, "name": name}])
        row = {"metric": metric, "run": number, "dataset": data, "value": value}
        connection.execute(measurements.insert().values(**row))
    return id_


def fill(address, seed, common=20):
    """Make a database with 30 groups, of which some are in every database, and 300 runs."""
    database, drawn = Database(address, create=True), random.Random(seed)
    with database.write() as connection:
        (machine,) = numbers_of(connection, machines, [{"facts": f'{{"host":"host-{seed}"}}'}])
        campaign = {"id": uuid.UUID(int=seed), "created": 1.0, "command": "c", "options": "{}"}
        inserted = connection.execute(campaigns.insert().values(**campaign, seed=seed, round=1))
        (campaign,) = inserted.inserted_primary_key
        order = [*range(30)]
        drawn.shuffle(order)  # so that the local numbers differ
        for index in order:
            own = index if index < common else seed * 1000 + index
            add_group(
                connection,
                {"a": own / 7, "b_int": index},
                label=f"label-{own}",
                created=float(drawn.randrange(3)),
                origin=drawn.choice(["load", "breed"]),
                learned=drawn.choice([None, "[1]", "[2]"]),
            )
        ids = list(connection.execute(sa.select(groups.c.id).order_by(groups.c.id)).scalars())
        numbers = list(connection.execute(sa.select(groups.c.number)).scalars())
        connection.execute(
            parents.insert(),
            [
                {"child": child, "parent": parent, "part": part, "weight": drawn.random()}
                for child, parent in zip(ids[1:], ids, strict=False)
                for part in ("", "entry")
            ],
        )
        for index in range(300):
            shared = index < 100
            add_run(
                connection,
                drawn.choice(numbers),
                {("co2", "profit"): drawn.random(), ("co2", "Great"): 1.0, ("", "ms"): -0.0}
                if drawn.random() < 0.5
                else {},
                id_=uuid.UUID(int=10_000 + index)
                if shared
                else uuid.UUID(int=drawn.getrandbits(128)),
                dataset=drawn.choice(["SPY", "", "d'"]),
                state=drawn.choice(["ok", "failed", "running", "stale", "queued"]),
                stopped=drawn.choice([None, 1.5, 2.0]),
                machine=drawn.choice([None, machine]),
                campaign=drawn.choice([None, campaign]),
                note=drawn.choice([None, '{"error":"é"}']),
            )
        meaning = {"name": "best", "document": f'{{"expression":"profit + {seed}"}}'}
        connection.execute(named_metrics.insert().values(**meaning))
    return database


def fill_many(address, count):
    """Make a database with one group and many measurements."""
    database = Database(address, create=True)
    with database.write() as connection:
        group = add_group(connection, {"a": 1.0})
        (data,) = numbers_of(connection, datasets, [{"name": "d"}])
        names = [{"algo": "co2", "name": f"m{index}"} for index in range(10)]
        found = numbers_of(connection, metrics, names)
        row = {"group": group, "dataset": data, "family": "", "state": "ok", "attempt": 1}
        some = range(1, count // 10 + 1)
        connection.execute(
            runs.insert(), [{**row, "number": number, "id": uuid.uuid4()} for number in some]
        )
        for number in some:
            connection.execute(
                measurements.insert(),
                [
                    {"metric": metric, "run": number, "dataset": data, "value": number / metric}
                    for metric in found
                ],
            )
    return database
