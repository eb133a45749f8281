"""Random streams by name: the same on every machine and in every process, never global."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from random import Random

from clantune_core.ancestry import HasUuid


def member_rng(seed: int, generation: int, rank: int) -> Random:
    """Return one member's own stream for one generation."""
    return Random(f"clantune/member/{seed}/{generation}/{rank}")


def shared_rng(seed: int, generation: int) -> Random:
    """Return the stream that is the same on every rank for one generation."""
    return Random(f"clantune/shared/{seed}/{generation}")


def population_rng(population: Sequence[HasUuid], generation: int, step: str) -> Random:
    """Return a stream for one step that is the same for every caller with this population."""
    identities = ",".join(f"{genome.uuid.int:x}" for genome in population)
    return Random(f"clantune/population/{step}/{generation}/{identities}")


class Draws:
    """Numbers by name. The same name gives the same number for all genes of an offspring.

    A hook is called gene by gene, and a stream returns another number to each call. A name returns
    the same number to all calls.
    """

    __slots__ = ("_drawn", "_key", "_rng", "_state")

    def __init__(self, rng: Random, *, shared: bool = False) -> None:
        """Make numbers that depend on a stream.

        Args:
            rng: The stream. The first number draws from it once; the others do not.
            shared: Whether all ranks have this stream. Then nothing is drawn from it, because some
                ranks may ask for a number and others not: the numbers depend on its present state.
        """
        self._rng = rng
        self._state = rng.getstate()[1] if shared else None
        self._key = ""
        self._drawn: dict[str, float] = {}

    def __call__(self, name: str) -> float:
        """Return the number in [0, 1) that belongs to a name."""
        number = self._drawn.get(name)
        if number is None:
            if not self._key:
                self._key = self._find_key()
            digest = hashlib.blake2b(f"{self._key}/{name}".encode(), digest_size=7).digest()
            number = self._drawn[name] = (int.from_bytes(digest, "big") >> 3) * 2.0**-53
        return number

    def _find_key(self) -> str:
        if self._state is None:
            return f"{self._rng.getrandbits(128):x}"
        return hashlib.blake2b(str(self._state).encode(), digest_size=16).hexdigest()
