"""Ranks that are forked when everything is imported, which takes seconds per process."""

import multiprocessing
import os
import signal
import socket
import sys
import time

SECONDS = 600
"""Time after which a rank ends itself, which would outlive a test that has given it up."""


def fork_ranks(count, function, *arguments):
    """Call a function in so many processes, with the environment that torchrun gives its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    fork = multiprocessing.get_context("fork")
    ranks = [
        fork.Process(target=_be_rank, args=(rank, count, port, function, arguments))
        for rank in range(count)
    ]
    for each in ranks:
        each.start()
    while any(each.is_alive() for each in ranks):
        time.sleep(0.05)
        if any(each.exitcode for each in ranks):
            time.sleep(1.0)  # the others say why they fail
            for each in ranks:
                each.kill()
    if failure := max(abs(each.exitcode) for each in ranks):
        sys.exit(failure)


def _be_rank(rank, count, port, function, arguments):
    signal.alarm(SECONDS)
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    function(*arguments)
