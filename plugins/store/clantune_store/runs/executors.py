"""Executors: what carries runs out on other machines, without a database that they share."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from importlib.metadata import entry_points
from typing import Any, Protocol

from clantune_store.database import Database
from clantune_store.errors import StoreError
from clantune_store.questions.nearest import instead
from clantune_store.runs.capsule import capsule_of, run_capsule, write_outcome
from clantune_store.runs.claims import Claim, lose

ENTRY_POINTS = "clantune.executors"
"""Entry points: a name, and a function that returns an executor for an address."""

JOBS = 1000
"""Runs that an executor gets at the same time; it shares them out among its workers."""

CONNECT = 20.0
"""Seconds to wait for a scheduler that does not answer."""


class Executor(Protocol):
    """What carries functions out, as those of `concurrent.futures` do."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Return a future, which `concurrent.futures.wait` takes."""


class Remote:
    """Carries runs out by an executor. The results come back, and only this process writes."""

    def __init__(self, database: Database, executor: Executor, jobs: int | None = None) -> None:
        self.jobs = JOBS if jobs is None else jobs
        self._database = database
        self._executor = executor
        self._futures: set[Future[Any]] = set()

    def submit(self, claimed: Claim) -> Future[Any]:
        """Send a run out.

        Raises:
            StoreError: The executor does not take it.
        """
        capsule = capsule_of(self._database, claimed)
        try:
            future = self._executor.submit(run_capsule, capsule)
        except Exception as error:  # of any library
            raise StoreError(
                f"the executor does not take run {claimed.number}: {type(error).__name__}: "
                f"{error}; start it again, and call `auto` again, which goes on"
            ) from error
        self._futures.add(future)
        return future

    def settle(self, claimed: Claim, future: Future[Any]) -> None:
        """Write the results of a run; one that was lost waits again."""
        self._futures.discard(future)
        error = None if future.cancelled() else future.exception()
        if future.cancelled():
            lose(self._database, claimed, "its executor has cancelled it")
        elif error is not None:
            lose(self._database, claimed, f"{type(error).__name__}: {error}")
        else:
            write_outcome(self._database, claimed, future.result())

    def stop(self) -> None:
        """Cancel what has not begun. What has begun elsewhere goes on, and nobody reads it."""
        for future in self._futures:
            future.cancel()

    def close(self) -> None:
        """Do nothing: whoever made the executor shuts it down."""


class Dask:
    """An executor on the workers of a scheduler of Dask."""

    def __init__(self, address: str) -> None:
        """Connect to a scheduler.

        Args:
            address: Address, such as `"tcp://host:8786"`.

        Raises:
            StoreError: Dask is not installed, or no scheduler answers.
        """
        try:
            from distributed import Client  # noqa: PLC0415  (an optional dependency)
            from distributed.comm.addressing import get_address_host_port  # noqa: PLC0415
        except ImportError:
            raise StoreError(
                'the executor dask needs Dask: pip install "clantune-store[dask]"'
            ) from None
        connect: Any = Client
        split: Any = get_address_host_port
        try:
            split(address)  # a client with a wrong address takes long to be given up
            self._client = connect(address, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise StoreError(
                f"no scheduler of Dask answers at {address!r}: {error}; give --executor "
                "dask:tcp://HOST:8786, as `dask scheduler` says it"
            ) from error
        self._executor = self._client.get_executor(pure=False)

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Return a future of `concurrent.futures`."""
        future: Future[Any] = self._executor.submit(function, *arguments)
        return future

    def shutdown(self) -> None:
        """Cancel what is left, and leave the scheduler."""
        self._executor.shutdown(wait=False)
        self._client.close()


def executor_of(text: str) -> Any:
    """Return the executor that a text such as `"dask:tcp://host:8786"` names.

    Raises:
        StoreError: There is no such executor, or it cannot be reached.
    """
    name, _, address = text.partition(":")
    installed = {each.name: each for each in entry_points(group=ENTRY_POINTS)}
    if name not in installed:
        raise StoreError(
            f"there is no executor {name!r}{instead(name, installed, 'executors')}; write "
            "NAME:ADDRESS, such as dask:tcp://HOST:8786"
        )
    return installed[name].load()(address)
