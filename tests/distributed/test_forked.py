"""A process that a rank forks, such as a worker of a loader, leaves the process groups alone."""

import gc
import os
import signal
import time

from by_hand import TIMEOUT

from clantune_clan import Communication


def collected_in_a_child():
    """Let a child collect a channel that is not closed; return whether it ends well."""
    channel = Communication(timeout=TIMEOUT)
    channel.itself = channel  # so that only the garbage collector finds it
    child = os.fork()
    if child == 0:
        del channel
        gc.collect()
        os._exit(0)
    until, ended = time.monotonic() + TIMEOUT, 0
    while not ended and time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.05)
    if not ended:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    are_together = channel.gather("after the child", channel.rank)
    channel.close()
    return bool(ended) and status == 0, are_together


def test_a_child_that_collects_a_clan_ends_and_leaves_the_ranks_connected(ranks):
    assert ranks(2).run(collected_in_a_child) == [(True, [0, 1])] * 2
