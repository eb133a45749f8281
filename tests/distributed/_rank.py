"""Ranks: processes that call functions, each in a process group of its own."""

import contextlib
import gc
import importlib.util
import logging
import os
import pickle
import socket
import sys
import traceback
import warnings
from datetime import timedelta
from multiprocessing.connection import Connection
from unittest import mock

import torch
import torch.distributed as dist

import clantune  # noqa: F401  (imported once, for all ranks)

warnings.simplefilter("error")  # as in the other tests


def answer(store, rank, number, world_size, backend, file, function, arguments):
    """Do what a function in a file says; return what came of it."""
    spec = importlib.util.spec_from_file_location(f"job_{function}", file)
    module = importlib.util.module_from_spec(spec)
    try:
        dist.init_process_group(
            backend,
            store=dist.PrefixStore(f"job{number}", store),
            rank=rank,
            world_size=world_size,
            timeout=timedelta(seconds=30),
        )
        spec.loader.exec_module(module)
        torch.manual_seed(0)
        return ("returned", getattr(module, function)(*arguments))
    except BaseException as error:  # noqa: BLE001  (whoever asked is told)
        notes = getattr(error, "__notes__", [])
        return ("raised", type(error).__name__, str(error), notes, traceback.format_exc())
    finally:
        mock.patch.stopall()  # the process goes on with other jobs
        logging.getLogger("clantune").setLevel(logging.NOTSET)
        if dist.is_initialized():
            dist.destroy_process_group()
        # A process that a later job forks must not destroy the groups of this one, whose threads
        # it does not have: it would wait for them. What is left is not looked at again.
        gc.collect()
        gc.freeze()


def be_rank(rank, port, connection):
    """Do one job after the other, until the connection is closed."""
    os.dup2(2, 1)  # what a job prints goes to the error stream
    store = dist.TCPStore("127.0.0.1", port, is_master=False, timeout=timedelta(seconds=60))
    said = ("ready",)
    while True:
        connection.send_bytes(pickle.dumps(said))  # `send` shares the memory of tensors
        try:
            order = pickle.loads(connection.recv_bytes())
        except EOFError:
            return
        said = answer(store, rank, *order)


def main():
    """Fork ranks as orders on the input say: a number, and a connection."""
    port = int(sys.argv[1])
    torch.set_num_threads(1)
    gc.freeze()  # so that ranks do not copy the memory of what is imported
    orders = socket.socket(fileno=0)
    while True:
        rank, files, *_ = socket.recv_fds(orders, 16, 1)
        if not rank:
            break
        with Connection(*files) as connection:
            if os.fork() == 0:
                return be_rank(int(rank), port, connection)
    with contextlib.suppress(ChildProcessError):  # there are no more
        while True:
            os.wait()


if __name__ == "__main__":
    main()
