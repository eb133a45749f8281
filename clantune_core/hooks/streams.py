"""Random streams that a caller passes."""

from __future__ import annotations

from random import Random

from clantune_core.errors import ClanTuneError, StrategyError, shown

SHARED = ("shared_rng", "shared_draw")
"""Arguments of hooks that are the same on every rank."""


def stream(rng: Random | None) -> Random | None:
    """Return a random stream, or None.

    Raises:
        ClanTuneError: It is something else, such as a seed.
    """
    if rng is None or isinstance(rng, Random):
        return rng
    raise ClanTuneError(
        f"a random stream must be a random.Random; got {shown(rng)}; for a seed, pass "
        "random.Random(seed)"
    )


def needs_shared_rng(hook: str) -> StrategyError:
    """Return the error for a shared stream that a strategy takes and the caller did not pass."""
    return StrategyError(
        f"a strategy takes shared_rng, the same stream for all members, in {hook}, and the caller "
        "did not pass it; pass shared_rng=shared_rng(seed, generation), the same on every rank",
        hook=hook,
    )
