"""The agent of torchrun, in this process: it starts the members, and ends or restarts them."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.elastic.rendezvous import rendezvous_handler_registry
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from clantune_clan.launch.console import console
from clantune_clan.launch.loopback import Loopback
from clantune_clan.launch.threads import threads_per_process

TIME_TO_SAVE = 300
"""Seconds after a signal in which the members save, before they are killed."""


def run(
    members: int, restarts: int, script: Sequence[str], program: str, *, prefix: bool | None = None
) -> int:
    """Run a script in several processes, and return an exit status.

    Args:
        members: Number of processes.
        restarts: How often all processes are started again after one has failed.
        script: Path of the script, and its arguments; or `-m`, the name of a module, and its own.
        program: Name of this command in messages.
        prefix: Whether each line of output begins with the rank; None: on a terminal.
    """
    logging.disable(logging.ERROR)  # the agent logs only what the lines below say shorter
    os.environ.setdefault("OMP_NUM_THREADS", str(threads_per_process(members)))
    os.environ.setdefault("GLOO_SOCKET_IFNAME", _loopback_interface())
    rendezvous_handler_registry.register(Loopback.NAME, Loopback)
    shown = console(members, prefix=prefix)
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=members,
        run_id=f"clantune-{os.getpid()}",
        rdzv_backend=Loopback.NAME,
        max_restarts=restarts,
        shutdown_timeout=TIME_TO_SAVE,
        logs_specs=shown or DefaultLogsSpecs(),
    )
    try:
        with shown or contextlib.nullcontext():
            elastic_launch(config, sys.executable)("-u", *script)
    except SignalException as error:
        print(f"{program}: ended by {signal.Signals(error.sigval).name}", file=sys.stderr)
        return 128 + error.sigval
    except ChildFailedError as error:
        for rank, failure in sorted(error.failures.items()):
            print(f"{program}: rank {rank} {_described(failure)}", file=sys.stderr)
        status = error.get_first_failure()[1].exitcode
        return status if status > 0 else 128 - status
    finally:
        logging.disable(logging.NOTSET)
    return 0


def _described(failure: ProcessFailure) -> str:
    status = failure.exitcode
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with {status}"


def _loopback_interface() -> str:
    names = [name for _, name in socket.if_nameindex()]
    return "lo" if "lo" in names else "lo0"
