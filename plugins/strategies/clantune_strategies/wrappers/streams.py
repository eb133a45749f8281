"""Keep the shared random stream in step on all ranks while a wrapped strategy draws from it."""

from __future__ import annotations

from random import Random
from typing import Any

from clantune_core import AbstractStrategy, hook_takes


def with_own_shared_rng(
    strategy: AbstractStrategy, hook: str, arguments: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a hook with a `shared_rng` that only the wrapped strategy uses.

    A wrapper may call the wrapped strategy on some ranks only, several times, or with fewer
    genomes. The number of draws then differs between ranks. Here every rank draws exactly one
    number from `shared_rng`, as the seed of the new stream, so `shared_rng` stays the same on all
    ranks. A strategy that does not take `shared_rng` gets the arguments unchanged.
    """
    if "shared_rng" not in arguments or not hook_takes(strategy, hook, "shared_rng"):
        return arguments
    return arguments | {"shared_rng": Random(arguments["shared_rng"].getrandbits(64))}
