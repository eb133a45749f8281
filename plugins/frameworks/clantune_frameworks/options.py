"""The options of a clan that a framework leaves to the user, and those that it decides."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping

from clantune_clan import Clan, ClanError


def require_options(
    names: Iterable[str], decided: Mapping[str, str], taker: str = "ClanCallback"
) -> None:
    """Raise an error if there is an option that a framework decides, or none of its name.

    Args:
        names: Names of the options.
        decided: Options of `Clan` that the framework decides, and where.
        taker: What has got them.

    Raises:
        ClanError: An option is unknown, or it is decided elsewhere.
    """
    free = [name for name in inspect.signature(Clan).parameters if name not in decided]
    for name in names:
        if name in decided:
            raise ClanError(f"{taker} takes no {name}=: {decided[name]}")
        if name not in free:
            raise ClanError(f"{taker} has no option {name!r}: the options are {', '.join(free)}")
