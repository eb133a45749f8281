"""Checks that the ranks agree at the end of a round."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from clantune_clan.errors import ClanError

SAME = 1e-3
"""Largest relative difference between losses of equal weights on the same data."""


def require_one_kind(are_functions: Sequence[bool]) -> None:
    """Check that either all ranks passed a function to `clan.step`, or all passed a number."""
    if len({*are_functions}) > 1:
        kinds = ["a function" if is_function else "a number" for is_function in are_functions]
        other = are_functions.index(not are_functions[0])
        raise ClanError(
            f"clan.step got {kinds[0]} on rank 0 and {kinds[other]} on rank {other}: give all "
            "ranks a function of the model, or all a number"
        )


def require_equal_ranks(genes: Sequence[Mapping[str, Any]], ranks_per_member: int) -> None:
    """Check that the ranks of a member have bred the same genes."""
    for rank, mine in enumerate(genes):
        first = rank - rank % ranks_per_member
        if mine != genes[first]:
            raise ClanError(
                f"ranks {first} and {rank} train one member and have bred different genes, "
                f"{genes[first]} and {mine}: a strategy draws numbers from elsewhere than the rng "
                "that it is given"
            )


def require_same_data(losses: Sequence[float], ranks_per_member: int) -> None:
    """Check the losses of the clan's centre on all ranks.

    Ranks with the same place in their members have the same weights and buffers.

    Raises:
        ClanError: Two losses differ, so the ranks did not judge on the same data.
    """
    for rank, loss in enumerate(losses):
        first = rank % ranks_per_member
        both_lost = not (math.isfinite(loss) or math.isfinite(losses[first]))
        if not (both_lost or math.isclose(loss, losses[first], rel_tol=SAME, abs_tol=SAME**2)):
            raise ClanError(
                "the ranks judge on different data: with the same weights, those of the clan's "
                f"centre, rank {first} measured {losses[first]!r} and rank {rank} {loss!r}. Give "
                "all ranks the same validation data, without a sampler that shards it; or, if "
                "each rank judges on its own part on purpose, Clan(judge='per rank') takes the "
                "mean"
            )
