"""Addresses: where gloo listens, and whether other ranks reach it there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from clantune_clan.doctor.finding import Finding, Plan, note, ok, problem

LOOPBACK = "127.0.0.1"
SECONDS = 5.0
Place = tuple[Any, ...]
"""An address and a port, as a socket takes them."""

_SIOCGIFADDR = 0x8915  # Linux


def addresses(_: Plan) -> Iterator[Finding]:
    """Say which addresses this machine has, and try those that ranks use."""
    interfaces = _interfaces()
    told = ", ".join(f"{name} {address}" for name, address in interfaces.items())
    yield ok(f"interfaces: {told or 'unknown on this system'}")
    yield _reaching(socket.AF_INET, (LOOPBACK, 0), "used by `clantune launch`")
    named = os.environ.get("GLOO_SOCKET_IFNAME")
    if named is None:
        yield from _of_host(socket.gethostname(), interfaces)
    elif named in interfaces:
        place = (interfaces[named], 0)
        yield _reaching(socket.AF_INET, place, f"used by gloo: GLOO_SOCKET_IFNAME={named}")


def _of_host(host: str, interfaces: Mapping[str, str]) -> Iterator[Finding]:
    """Examine the addresses of the host name: gloo listens there, and torchrun connects there."""
    by_interface = "export GLOO_SOCKET_IFNAME with the interface that the machines share, or "
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        yield note(
            f"the host name {host} cannot be resolved ({error}), so gloo listens on the loopback "
            "address, which other machines cannot reach",
            f"for several machines: {by_interface}add the name to /etc/hosts",
        )
        return
    places = [(family, place) for family, _, _, _, place in found]
    own = [place for place in places if _is_own(*place)]
    if foreign := sorted({str(place[1][0]) for place in places if place not in own}):
        yield (note if own else problem)(
            f"the host name {host} resolves to {', '.join(foreign)}, which is not an address of "
            "this machine: ranks that connect there hang",
            f"{by_interface}correct the name in /etc/hosts or in DNS",
        )
    for family, place in own:
        address = str(place[0])
        names = [name for name, held in interfaces.items() if held == address]
        yield _reaching(family, place, f"the host name {host}{''.join(f' on {n}' for n in names)}")
        if address.startswith("127.") or address == "::1":
            yield note(
                f"the host name {host} is a loopback address, so gloo does not listen for other "
                "machines",
                f"for several machines: {by_interface}give the name its address in /etc/hosts",
            )


def _reaching(family: int, place: Place, what: str) -> Finding:
    """Listen on an address, and connect to it."""
    address = place[0]
    try:
        _shake_hands(family, place)
    except OSError as error:
        return problem(
            f"{address} ({what}) cannot be listened on and connected to: {error}",
            "look for a firewall or a proxy that blocks connections within this machine",
        )
    return ok(f"{address} ({what}) can be listened on and connected to")


def _shake_hands(family: int, place: Place) -> None:
    with socket.socket(family) as listening, socket.socket(family) as calling:
        for each in (listening, calling):
            each.settimeout(SECONDS)
        listening.bind(place)
        listening.listen()
        calling.connect(listening.getsockname())
        answering, _ = listening.accept()
        with answering:
            answering.settimeout(SECONDS)
            calling.sendall(b"hello")
            if answering.recv(5) != b"hello":
                raise ConnectionError("what was sent did not arrive")


def _is_own(family: int, place: Place) -> bool:
    """Whether an address belongs to this machine: only then can it be bound."""
    try:
        with socket.socket(family) as trial:
            trial.bind(place)
    except OSError:
        return False
    return True


def _interfaces() -> dict[str, str]:
    """Return the IPv4 address of each interface, on Linux."""
    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            with contextlib.suppress(OSError):  # it has no address
                answer = fcntl.ioctl(asking.fileno(), _SIOCGIFADDR, request)
                found[name] = socket.inet_ntoa(answer[20:24])
    return found
