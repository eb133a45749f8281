"""One rank: a process that calls functions, each in a process group of its own."""

import gc
import importlib.util
import logging
import os
import pickle
import sys
import traceback
import warnings
from datetime import timedelta
from unittest import mock

import torch
import torch.distributed as dist

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


def main():
    rank, port = map(int, sys.argv[1:])
    torch.set_num_threads(1)
    orders, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a job prints goes to the error stream
    store = dist.TCPStore("127.0.0.1", port, is_master=False, timeout=timedelta(seconds=60))
    said = ("ready",)
    with answers:
        while True:
            pickle.dump(said, answers)
            answers.flush()
            try:
                order = pickle.load(orders)
            except EOFError:
                return
            said = answer(store, rank, *order)


if __name__ == "__main__":
    main()
