"""The options of a clan that a callback takes, and those that its framework decides."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping

from clantune_clan import Clan, ClanError


def require_options(names: Iterable[str], decided: Mapping[str, str]) -> None:
    """Raise an error if a callback got an option that it does not take.

    Args:
        names: Names of the options.
        decided: Options of `Clan` that the framework decides, and where.

    Raises:
        ClanError: There is no such option, or it is decided elsewhere.
    """
    free = [name for name in inspect.signature(Clan).parameters if name not in decided]
    for name in names:
        if name in decided:
            raise ClanError(f"ClanCallback takes no {name}=: {decided[name]}")
        if name not in free:
            raise ClanError(
                f"ClanCallback has no option {name!r}: the options are {', '.join(free)}"
            )
