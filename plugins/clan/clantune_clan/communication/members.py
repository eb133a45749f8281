"""The number of ranks of a member, on which all ranks must agree before they make groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from clantune_clan.errors import ClanError
from clantune_clan.versions import versions

Describe = Callable[[], Mapping[str, Mapping[str, Any]]]


def agree_on_members(
    ranks_per_member: int,
    num_members: int | None,
    world_size: int,
    timeout: float,
    require_same: Callable[[str, Describe], None],
) -> int:
    """Return the number of ranks of a member, after a comparison of all ranks.

    Args:
        ranks_per_member: Number of consecutive ranks that train one member together.
        num_members: Number of members, which overrides `ranks_per_member`, or None.
        world_size: Number of ranks.
        timeout: Seconds that this rank waits for another one.
        require_same: Function that compares descriptions of all ranks.

    Raises:
        ClanError: The number does not divide the ranks, or the ranks differ.
    """
    sizes: list[int] = []

    def describe() -> dict[str, dict[str, Any]]:
        sizes.append(_size(world_size, ranks_per_member, num_members))
        return {
            "the clan": {"population_size": world_size // sizes[0], "timeout": timeout},
            "the packages": versions(),
        }

    require_same("the start of a clan", describe)
    return sizes[0]


def _size(world_size: int, ranks_per_member: int, num_members: int | None) -> int:
    if num_members is not None:
        if num_members < 1 or world_size % num_members:
            raise ClanError(
                f"population_size is {num_members}, and there are {world_size} ranks: start a "
                f"multiple of {num_members} processes, or leave it out for one member per rank"
            )
        return world_size // num_members
    if ranks_per_member < 1:
        raise ClanError(
            f"ranks_per_member is a number of ranks, 1 or more; got {ranks_per_member!r}"
        )
    if world_size % ranks_per_member:
        raise ClanError(
            f"{world_size} ranks cannot make members of {ranks_per_member}: start a "
            f"multiple of {ranks_per_member} processes"
        )
    return ranks_per_member
