"""The world: what the environment says of other processes and machines."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping

from clantune_clan.doctor.finding import Finding, Plan, note, ok, problem

VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
INTERFACES = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")
NUMBERS = ("RANK", "WORLD_SIZE", "MASTER_PORT")


def launcher(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the rank and the number of processes, if torchrun has started this one."""
    if "TORCHELASTIC_RUN_ID" not in environment:
        return None
    return f"rank {environment.get('RANK')} of {environment.get('WORLD_SIZE')}"


def world(_: Plan) -> Iterator[Finding]:
    """Say what the environment says."""
    there = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    if there:
        yield from _launched(there)
    else:
        yield ok(f"no launcher has set {', '.join(VARIABLES)}: a script starts as one process")
    if "SLURM_JOB_ID" in os.environ:
        yield _slurm()
    for variable in INTERFACES:
        yield from _interface(variable)


def _launched(there: Mapping[str, str]) -> Iterator[Finding]:
    """Examine variables that were set by hand, or by a script of the user."""
    unset = f"unset {' '.join(there)}; torchrun and `clantune launch` set them for each process"
    told = ", ".join(f"{name}={held}" for name, held in there.items())
    wrong = [name for name in NUMBERS if name in there and not there[name].isdecimal()]
    missing = [name for name in VARIABLES if name not in there]
    if wrong:
        yield problem(f"{told}: {' and '.join(wrong)} must be a number", unset)
    elif there.get("WORLD_SIZE", "1") == "1":
        yield ok(f"{told}: a world of one process")
    elif missing:
        yield problem(f"{told}, but {' and '.join(missing)} is missing, so no rank can join", unset)
    elif "SLURM_PROCID" in os.environ:
        yield ok(f"{told}, in a task of SLURM")
    else:
        yield problem(
            f"{told}, and no launcher has started this process: a script that is started here "
            "waits for the other ranks",
            unset,
        )
    if "MASTER_ADDR" in there and not wrong:
        yield from _master(there["MASTER_ADDR"])


def _master(address: str) -> Iterator[Finding]:
    try:
        found = socket.getaddrinfo(address, None)[0][4][0]
    except OSError as error:
        yield problem(
            f"MASTER_ADDR={address} cannot be resolved ({error}), so no rank finds the others",
            "set it to the IP address of the machine of rank 0",
        )
    else:
        yield ok(f"MASTER_ADDR={address} is {found}")


def _slurm() -> Finding:
    job, tasks = os.environ["SLURM_JOB_ID"], os.environ.get("SLURM_NTASKS", "1")
    nodes = os.environ.get("SLURM_NNODES", "1")
    return note(
        f"job {job} of SLURM: {tasks} tasks on {nodes} nodes",
        "start one torchrun on each node with srun, and run `clantune doctor` on each node too",
    )


def _interface(variable: str) -> Iterator[Finding]:
    named = os.environ.get(variable)
    if named is None:
        return
    known = [name for _, name in socket.if_nameindex()]
    # NCCL takes several, beginnings of names, and names after "^" or "=".
    if variable.startswith("GLOO") and any(each not in known for each in named.split(",")):
        yield problem(
            f"{variable}={named}, and the interfaces of this machine are {', '.join(known)}",
            f"export {variable} with one of them, or unset it",
        )
    else:
        yield ok(f"{variable}={named}")
