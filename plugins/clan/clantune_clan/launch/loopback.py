"""The meeting place of the processes of one machine, which other machines cannot reach."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import ClassVar

from torch.distributed import Store, TCPStore  # type: ignore[attr-defined]  # not listed
from torch.distributed.elastic.rendezvous import (
    RendezvousHandler,
    RendezvousInfo,
    RendezvousParameters,
    RendezvousStoreInfo,
)

ADDRESS = "127.0.0.1"


class Loopback(RendezvousHandler):
    """A store on the loopback address. Each attempt has a new one, without the addresses before."""

    NAME: ClassVar[str] = "clantune-loopback"

    def __init__(self, parameters: RendezvousParameters) -> None:
        """Prepare a meeting place.

        Args:
            parameters: Parameters of the launch.
        """
        self._run_id = parameters.run_id
        self._store: Store | None = None
        self._is_closed = False

    def get_backend(self) -> str:
        """Return the name of this kind of meeting place."""
        return self.NAME

    @property
    def use_agent_store(self) -> bool:
        """Whether the members use the store of this process: yes."""
        return True

    def next_rendezvous(self) -> RendezvousInfo:
        """Open a store for the next attempt."""
        with socket.socket() as listening:
            listening.bind((ADDRESS, 0))
            listening.listen()
            port = listening.getsockname()[1]
            self._store = TCPStore(
                ADDRESS,
                port,
                is_master=True,
                wait_for_workers=False,
                timeout=timedelta(seconds=60),
                master_listen_fd=listening.detach(),
            )
        return RendezvousInfo(self._store, 0, 1, RendezvousStoreInfo(ADDRESS, port))

    def is_closed(self) -> bool:
        """Return whether the run is over."""
        return self._is_closed

    def set_closed(self) -> None:
        """End the run."""
        self._is_closed = True

    def num_nodes_waiting(self) -> int:
        """Return the number of other machines that want to take part: none."""
        return 0

    def get_run_id(self) -> str:
        """Return the identity of the run."""
        return self._run_id

    def shutdown(self) -> bool:
        """Close the meeting place."""
        self.set_closed()
        return True
