"""Many processes use one store at the same time, without an error and without a loss.

`tests/benchmarks/store.py` lets each of the 64 report fifty times.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from clantune_store import Store

SCRIPT = Path(__file__).with_name("many.py")


def run(job, address, processes):
    """Run a job in many processes, and require that all end well."""
    command = [sys.executable, str(SCRIPT), job, address, str(processes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]


def test_sixty_four_processes_report_ten_times_each(address):
    store = Store.create(address)
    store.load(set={"variable_a": 1})
    run("report", address, 64)
    _, rows = store.sql(
        "SELECT value, count(*) FROM results WHERE name = 'value' GROUP BY value", limit=100
    )
    assert sorted(tuple(row) for row in rows) == [(1.0 + number, 10) for number in range(64)]
    assert [
        tuple(row) for row in store.sql("SELECT state, count(*) FROM runs GROUP BY state")[1]
    ] == [("ok", 640)]
    store.close()


@pytest.mark.parametrize("processes", [16, 48])
def test_processes_that_start_on_a_new_store_at_once(address, processes):
    run("start", address, processes)
    store = Store(address)
    assert sorted(group.values["variable_a"] for group in store.groups()) == [0.0, 1.0, 2.0, 3.0]
    store.close()
