"""Several processes in one process group, on this machine, as a launcher would start them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

from torch.distributed import TCPStore  # type: ignore[attr-defined]  # not listed


def answer_of_ranks(script: str, count: int, *arguments: str) -> Any:
    """Run a script in so many ranks; return what rank 0 printed last, read as JSON."""
    store = TCPStore(
        "127.0.0.1", 0, is_master=True, wait_for_workers=False, timeout=timedelta(seconds=60)
    )
    told = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(store.port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",  # the store is here, and not in rank 0
        "WORLD_SIZE": str(count),
        "OMP_NUM_THREADS": "1",
    }
    processes = [
        subprocess.Popen(
            [sys.executable, script, *arguments],
            env={**os.environ, **told, "RANK": str(rank)},
            stdout=subprocess.PIPE if rank == 0 else subprocess.DEVNULL,
            text=True,
        )
        for rank in range(count)
    ]
    printed, _ = processes[0].communicate()
    failed = [rank for rank, process in enumerate(processes) if process.wait()]
    if failed:
        raise SystemExit(f"ranks {failed} of {count} failed")
    return json.loads(printed.splitlines()[-1])
