"""Processes of their own that begin something at the same moment."""

import multiprocessing
import os
import signal

import sqlalchemy as sa

from clantune_store.database import Database, tables, upgrading

START = 60
NEWER = ("ALTER TABLE runs ADD COLUMN priority INTEGER", "UPDATE runs SET priority = 0")
"""Steps from version 1 to a version 2 that only these tests know."""


def at_once(count, function, *arguments):
    """Return what each of several processes returns, or the text of its error."""
    context = multiprocessing.get_context("spawn")
    barrier, queue = context.Barrier(count), context.Queue()
    processes = [
        context.Process(target=_call, args=(barrier, queue, function, arguments))
        for _ in range(count)
    ]
    for process in processes:
        process.start()
    try:
        return [queue.get(timeout=START) for _ in processes]
    finally:
        for process in processes:
            process.join()


def exit_code_of(function, *arguments):
    """Return the exit code of a process; negative for a signal."""
    process = multiprocessing.get_context("spawn").Process(target=function, args=arguments)
    process.start()
    process.join(START)
    return process.exitcode


def _call(barrier, queue, function, arguments):
    barrier.wait(START)
    try:
        queue.put(function(*arguments))
    except Exception as error:  # noqa: BLE001  (the test shows it)
        queue.put(f"{type(error).__name__}: {error}")


def make(address):
    """Make the tables, or find that they are there; return their version."""
    database = Database(address, create=True)
    with database.read() as connection:
        version = upgrading.version_of(connection, address)
    database.close()
    return version


def upgrade(address):
    """Open a database of version 1 by a release of version 2; return how often it was upgraded."""
    done = []

    def steps():
        done.append(1)
        yield from NEWER

    tables.VERSION, upgrading.STEPS = 2, {1: steps()}
    Database(address, upgrade=True).close()
    return len(done)


def die_in_upgrade(address):
    """Kill this process between the two steps of an upgrade."""

    def steps():
        yield NEWER[0]
        os.kill(os.getpid(), signal.SIGKILL)

    tables.VERSION, upgrading.STEPS = 2, {1: steps()}
    Database(address, upgrade=True)


def columns_of(database, table):
    """Return the names of the columns of a table."""
    with database.read() as connection:
        return [column["name"] for column in sa.inspect(connection).get_columns(table)]


def count_runs_of_unpickled(database):
    """Return how many data sets there are, in the process that has got this database."""
    with database.write() as connection:
        connection.execute(tables.datasets.insert().values(name="child"))
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(tables.datasets)).scalar()
