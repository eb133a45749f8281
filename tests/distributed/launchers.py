"""The launchers, with ranks that are forked: a new Python would import torch for seconds.

`forks.run(launch, "torchrun", restarts, script, ...)` runs the launcher itself, in a process that
has imported everything. The launcher finds the ranks ready: they were forked before it began, lead
sessions of their own, and wait for what it would start, a script in an environment. All the rest,
such as signals, restarts and exit codes, is as ever.
"""

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

from torch.distributed import run as torchrun
from torch.distributed.elastic.multiprocessing.subprocess_handler import subprocess_handler

from clantune_core.command import main as clantune


def launch(launcher, ranks, restarts, script, *arguments):
    """Be a launcher, or a rank of it."""
    waiting = []
    for _ in range(ranks * (1 + restarts)):
        connection, of_rank = multiprocessing.Pipe()
        pid = os.fork()
        if not pid:
            for other in (connection, *(each.connection for each in waiting)):
                other.close()
            return be_rank(of_rank)
        of_rank.close()
        waiting.append(Rank(pid, connection))
    subprocess_handler.Popen = lambda args, env, **_: waiting.pop(0).starts(args, env)
    restarted = [f"--max-restarts={restarts}"]
    if launcher == "torchrun":
        count = ["--standalone", f"--nproc-per-node={ranks}"]
        return torchrun.main([*count, *restarted, script, *arguments])
    return sys.exit(clantune(["launch", f"-n{ranks}", *restarted, script, *arguments]))


def be_rank(launcher):
    """Wait for a script, and run it as a new Python would; end if there is none."""
    os.setsid()
    with launcher:
        launcher.send("leads a session")
        try:
            (_, _, *script), environment = launcher.recv()
        except EOFError:
            return
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = script
    sys.path.insert(0, str(Path(script[0]).parent))
    be_script(Path(script[0]).read_text("utf-8"), script[0])


def be_script(source, file="<string>"):
    """Be a script, whose names live until the interpreter ends."""
    exec(compile(source, file, "exec"), vars(sys.modules["__main__"]))


class Rank:
    """A process that a launcher has, as `subprocess.Popen` has it."""

    def __init__(self, pid, connection):
        self.pid = pid
        self.connection = connection
        self.returncode = None

    def starts(self, args, env):
        self.connection.recv()  # it leads a session, as the launcher expects
        self.connection.send((args, env))
        self.connection.close()
        return self

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout):
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("rank", timeout)
            time.sleep(0.02)
        return self.returncode
