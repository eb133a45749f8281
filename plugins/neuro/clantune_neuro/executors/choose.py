"""The executor that a user names, by an object or a text."""

from __future__ import annotations

import difflib
import warnings
from functools import partial
from importlib.metadata import entry_points
from typing import Any

from clantune_neuro.errors import NeuroError
from clantune_neuro.executors.futures import Futures, Submits
from clantune_neuro.executors.interface import Executor, Serial
from clantune_neuro.executors.ranks import Ranks
from clantune_neuro.extras import extra

ENTRY_POINTS = "clantune.executors"
"""Entry points: a name, and a function from an address to an object that has `submit`."""

FORMS = (
    'None or "1" (in this process), "pool:4" (processes), "ranks" (under `clantune launch -n 4`), '
    '"dask:tcp://HOST:8786", or an executor of concurrent.futures'
)

CONNECT = 20.0
"""Seconds to wait for a scheduler of Dask that does not answer."""


def executor_of(given: object) -> Executor:
    """Return the executor that is given or named. Names of other packages are entry points.

    Args:
        given: None, 1 or `"1"`; `"pool:4"`; `"ranks"`; `"dask:ADDRESS"`; `"NAME:ADDRESS"` of an
            entry point in `clantune.executors`; an executor of `concurrent.futures`; or an
            `Executor`, which is returned as it is.

    Raises:
        NeuroError: There is no such executor, or its package is not installed.
    """
    if given is None or (type(given) is int and given == 1):
        return Serial()
    if isinstance(given, str):
        return _named(given)
    if isinstance(given, Executor) and not isinstance(given, type):
        return given
    if isinstance(given, Submits) and not isinstance(given, type):
        return Futures(given)
    raise NeuroError(f"executor is {given!r:.60}; pass {FORMS}")


def _named(text: str) -> Executor:
    name, _, address = text.partition(":")
    if text == "1":
        return Serial()
    if name == "pool":
        return Futures.pool(_number(text, address))
    if text == "ranks":
        return Ranks()
    if name == "dask":
        return Futures(make=partial(Dask, address))
    # The store publishes `dask` too. Its own errors name the store, so it is not used here.
    installed = {each.name: each for each in entry_points(group=ENTRY_POINTS)}
    if name in installed:
        return Futures(make=lambda: installed[name].load()(address))
    near = difflib.get_close_matches(name, ["pool", "ranks", "dask", *installed], n=2)
    hint = f"; the nearest names are {', '.join(near)}" if near else ""
    raise NeuroError(f"there is no executor {text!r}{hint}; pass {FORMS}")


def _number(text: str, number: str) -> int:
    if not number.isascii() or not number.isdigit():
        raise NeuroError(f"executor is {text!r}; write the number of processes, such as 'pool:4'")
    return int(number)


class Dask:
    """The workers of a scheduler of Dask, as an executor."""

    def __init__(self, address: str) -> None:
        """Connect to a scheduler.

        Args:
            address: Its address, such as `"tcp://host:8786"`.

        Raises:
            NeuroError: Dask is not installed, or no scheduler answers.
        """
        distributed: Any = extra("distributed", package="distributed", name="dask")
        addressing: Any = extra("distributed.comm.addressing", package="distributed", name="dask")
        try:
            addressing.get_address_host_port(address)  # a wrong address would time out
            self._client = distributed.Client(address, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise NeuroError(
                f"no scheduler of Dask answers at {address!r}: {error}; write "
                "dask:tcp://HOST:8786, as `dask scheduler` says it"
            ) from error
        self._executor = self._client.get_executor(pure=False)

    def submit(self, function: Any, /, *arguments: Any) -> Any:
        """Return a future of `concurrent.futures`."""
        with warnings.catch_warnings():  # a worker is sent the data of a task once
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
            return self._executor.submit(function, *arguments)

    def shutdown(self) -> None:
        """Cancel what is left, and leave the scheduler."""
        self._executor.shutdown(wait=False)
        self._client.close()
