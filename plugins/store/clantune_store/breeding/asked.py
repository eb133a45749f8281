"""Which question says how good a group is."""

from __future__ import annotations

import attrs


@attrs.frozen
class Asked:
    """Which question says how good a group is.

    Attributes:
        metric: Metric, as `Store.top` takes it.
        where: Condition, such as `1 <= trades <= 150`; empty: none.
        lowest: Whether the lowest value is the best; a named metric may say so too.
        families: Only runs of these families; empty: all.
        allow: Only data sets with one of these texts in their name; empty: all.
        deny: No data set with one of these texts in its name.
        algo: The only algo to ask; None: all.
    """

    metric: str
    where: str = ""
    lowest: bool = False
    families: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    algo: str | None = None
