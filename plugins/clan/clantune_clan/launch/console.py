"""The console of a launch: it reads what all ranks write, and shows whole lines with the rank."""

from __future__ import annotations

import os
import selectors
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import TracebackType

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, LogsDest

from clantune_clan.launch.channel import Channel
from clantune_clan.launch.screen import Screen

STDOUT, STDERR = 1, 2

PAUSE = 0.01
"""Seconds in which the writes of one `print` arrive: it writes each value by itself."""


class Console(DefaultLogsSpecs):
    """Shows the output of all ranks while it is entered, and tells the agent of torch about it."""

    def __init__(self, members: int, streams: list[int]) -> None:
        """Open the channels.

        Args:
            members: Number of ranks.
            streams: Numbers of the streams that are shown here. The others are inherited.
        """
        super().__init__()
        screens = _screens(members, streams)
        self._channels = [
            Channel.open(rank, stream, screens[stream])
            for rank in range(members)
            for stream in streams
        ]
        self._wake, self._woken = os.pipe()
        self._thread = threading.Thread(target=self._run, name="console", daemon=True)

    def reify(self, envs: dict[int, dict[str, str]]) -> LogsDest:
        """Return where each rank writes. The agent calls this at every start of the ranks."""
        places = super().reify(envs)
        for channel in self._channels:
            channel.fit()
            paths = places.stdouts if channel.stream == STDOUT else places.stderrs
            paths[channel.rank] = channel.path
        return places

    def __enter__(self) -> None:
        """Begin to read."""
        sys.stdout.flush()
        self._thread.start()

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        """Show what has been written, and close the channels."""
        os.close(self._woken)
        self._thread.join()
        self._finish()
        # If this process leads a session, the first terminal that the agent has opened is the one
        # of the session, and the kernel hangs up when it closes.
        usual = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for channel in self._channels:
            os.close(channel.read)
            os.close(channel.written)
        os.close(self._wake)
        signal.signal(signal.SIGHUP, usual)

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            for channel in self._channels:
                selector.register(channel.read, selectors.EVENT_READ, channel)
            while True:
                ready = [key.data for key, _ in selector.select()]
                time.sleep(PAUSE)
                for channel in ready:
                    if channel is not None:
                        self._show(channel, channel.lines.feed(channel.take()))
                if None in ready:  # woken for the end
                    return

    def _finish(self) -> None:
        for channel in self._channels:
            while data := channel.take():
                self._show(channel, channel.lines.feed(data))
        for channel in self._channels:
            self._show(channel, channel.lines.finish())

    def _show(self, channel: Channel, lines: list[str]) -> None:
        channel.fit()
        screen = channel.screen
        screen.show([(channel.rank, line) for line in lines], next(self._unfinished(screen), None))

    def _unfinished(self, screen: Screen) -> Iterator[tuple[int, str]]:
        """Yield lines that are not whole yet, that of the lowest rank first."""
        for channel in self._channels:
            if channel.screen is screen and (text := channel.lines.unfinished):
                yield channel.rank, text


def console(members: int, *, prefix: bool | None) -> Console | None:
    """Return a console for the streams that show the rank; None if there is none.

    Args:
        members: Number of ranks.
        prefix: Whether lines begin with the rank; None: on a terminal.
    """
    streams = [each for each in (STDOUT, STDERR) if (os.isatty(each) if prefix is None else prefix)]
    return Console(members, streams) if streams else None


def _screens(members: int, streams: list[int]) -> dict[int, Screen]:
    """Return a screen for each stream; both have the same if they lead to the same place."""
    first = {stream: Screen.of(stream, members) for stream in streams}
    if len(streams) > 1 and os.path.sameopenfile(STDOUT, STDERR):
        first[STDERR] = first[STDOUT]
    return first
