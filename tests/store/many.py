"""Many processes, forked from one that has imported all.

`python many.py JOB ADDRESS PROCESSES [REPORTS]`
"""

import os
import sys
import time
import traceback

from clantune_store import Parameters, Store
from clantune_store.runs import claims

REPORTS = int(sys.argv[4]) if len(sys.argv) > 4 else 10


def report(address, number):
    """Read a group and report, many times; the result of each says who has written it."""
    store = Store(address)
    for turn in range(REPORTS):
        g = Parameters(store, group=1)
        with g.report(dataset=f"data-{number % 3}") as result:
            result["a"]["value"] = g.variable_a + number
            result["a"]["turn"] = turn


def start(address, number):
    """Make the store, unless another process has."""
    Store.create(address).load(set={"variable_a": number % 4})


def claim(address, number):
    """Claim runs until none waits; each claim is a line of the output."""
    database = Store(address).database
    mark = claims.new_worker()
    while claimed := claims.claim(database, mark):
        os.write(1, f"{claimed.number}\n".encode())


def main(job, address, processes):
    """Run a job in each process at the same moment; exit with the number of those that failed."""
    begin = time.time() + 0.5 + 0.01 * processes
    children = []
    for number in range(processes):
        child = os.fork()
        if not child:
            time.sleep(max(0.0, begin - time.time()))
            try:
                job(address, number)
            except BaseException:  # noqa: BLE001  (the exit status says so)
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        children.append(child)
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


if __name__ == "__main__":
    jobs = {"report": report, "start": start, "claim": claim}
    sys.exit(main(jobs[sys.argv[1]], sys.argv[2], int(sys.argv[3])))
