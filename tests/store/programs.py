"""Programs that tests run, and runs of them that wait."""

import json
import sys
import time
import uuid

from rows import add_group

from clantune_store.database.tables import campaigns
from clantune_store.runs.queue import queue_runs

REPORTS = """
import os, sys
from clantune_store import Parameters
g = Parameters()
with g.report() as result:
    result["a"]["value"] = g.variable_a
    {more}
"""


def write_program(folder, more="pass"):
    """Write a program that reports `a.value`; return the command for it."""
    path = folder / "program.py"
    path.write_text(REPORTS.format(more=more))
    return f"{sys.executable} {path} {{}}"


def write_plain(folder, text):
    """Write a program without our packages, which starts fast; return the command for it."""
    path = folder / "plain.py"
    path.write_text(text)
    return f"{sys.executable} -S -E {path} {{}}"


def add_campaign(connection, command, **options):
    """Add a campaign; return its number."""
    row = {"id": uuid.uuid4(), "created": time.time(), "seed": 0, "round": 0}
    told = {"command": command, "options": json.dumps(options)}
    return connection.execute(campaigns.insert().values(**row, **told)).inserted_primary_key[0]


def queue(database, command, names=("d",), count=1, **options):
    """Add groups with a `variable_a`, and runs of them that wait; return the campaign."""
    with database.write() as connection:
        campaign = add_campaign(connection, command, **options)
        numbers = [add_group(connection, {"variable_a": float(each)}) for each in range(count)]
        queue_runs(connection, [(n, name) for n in numbers for name in names], campaign)
    return campaign


def without_variables(monkeypatch):
    """Unset all variables that name a database, a group or a run."""
    for name in ("CLANTUNE_DB", "GF_DB", "CLANTUNE_GROUP", "GF_PARAM_GROUP", "CLANTUNE_DATA"):
        monkeypatch.delenv(name, raising=False)
    for name in ("GF_DATA", "CLANTUNE_FAMILY", "GF_FAMILY", "CLANTUNE_RUN"):
        monkeypatch.delenv(name, raising=False)
