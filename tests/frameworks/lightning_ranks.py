"""Ranks as Lightning starts them, forked from one process that has imported everything once."""

import json
import multiprocessing
import os
import signal
import socket
from pathlib import Path

RANKS = 4

SECONDS = 240
"""Time after which a rank ends itself."""


def on_ranks(function, folder, name):
    """Call a function on 4 ranks, and write what each returns to `<name><rank>.json`.

    Args:
        function: Function of the folder.
        folder: Folder of the run.
        name: Name of the run.
    """
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    fork = multiprocessing.get_context("fork")
    arguments = [(function, Path(folder), name, rank, port) for rank in range(RANKS)]
    processes = [fork.Process(target=_rank, args=each) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if codes := [process.exitcode for process in processes if process.exitcode]:
        raise SystemExit(codes[0])


def _rank(function, folder, name, rank, port):
    signal.alarm(SECONDS)  # a rank that never ends would outlive a test that has given it up
    # What the launcher of Lightning sets for the processes that it starts.
    os.environ.update(
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
        NODE_RANK="0",
        LOCAL_RANK=str(rank),
        WORLD_SIZE=str(RANKS),
    )
    (folder / f"{name}{rank}.json").write_text(json.dumps(function(folder)))


def answers(folder, name):
    """Return what the ranks of a run have written."""
    return [json.loads((folder / f"{name}{rank}.json").read_text()) for rank in range(RANKS)]
