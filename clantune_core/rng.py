"""Random streams by name: the same on every machine and in every process, never global."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from clantune_core.ancestry import HasUuid


def member_rng(seed: int, generation: int, rank: int) -> Random:
    """Return one member's own stream for one generation."""
    return Random(f"clantune/member/{seed}/{generation}/{rank}")


def shared_rng(seed: int, generation: int) -> Random:
    """Return the stream that is the same on every rank for one generation."""
    return Random(f"clantune/shared/{seed}/{generation}")


def population_rng(population: Sequence[HasUuid], generation: int) -> Random:
    """Return a stream that all who hold this population share, if nobody gave them one."""
    identities = ",".join(f"{genome.uuid.int:x}" for genome in population)
    return Random(f"clantune/population/{generation}/{identities}")
