"""The method of a store that breeds."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, overload

import attrs

from clantune_store.breeding.breeder import Descent
from clantune_store.groups.group import Group

if TYPE_CHECKING:
    from clantune_core import Evolution
    from clantune_store.breeding.breed import Plan
    from clantune_store.breeding.choosing import Strategy
    from clantune_store.database import Database


@attrs.frozen
class Bred(Sequence[Group]):
    """New groups.

    Attributes:
        groups: The groups; their numbers are 0 if nothing was written.
        plan: How they were bred: how many were asked for, the seed, the groups to breed from, and
            which of their values did not fit the space.
    """

    groups: tuple[Group, ...]
    plan: Plan

    @property
    def asked(self) -> int:
        """Number of groups that were asked for; fewer are new if others were known already."""
        return self.plan.asked

    @property
    def seed(self) -> int:
        """Number from which every random choice followed."""
        return self.plan.seed

    @property
    def clipped(self) -> Mapping[str, int]:
        """In how many of the groups to breed from a parameter was outside its domain, by name."""
        return self.plan.clipped

    @property
    def parents(self) -> tuple[tuple[Descent, ...], ...]:
        """Parents of each group, in the order of the groups."""
        return tuple(child.parents for child in self.plan.children)

    def __len__(self) -> int:
        return len(self.groups)

    @overload
    def __getitem__(self, index: int) -> Group: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Group, ...]: ...
    def __getitem__(self, index: int | slice) -> Group | tuple[Group, ...]:
        return self.groups[index]


class BreedingMethods:
    """What a store can breed."""

    database: Database

    def breed(
        self,
        metric: str,
        *,
        top: int = 2,
        children: int = 15,
        seed: int | None = None,
        where: str = "",
        lowest: bool = False,
        families: Sequence[str] = (),
        allow: Sequence[str] = (),
        deny: Sequence[str] = (),
        parts: bool = False,
        strategies: Sequence[Strategy] = (),
        recipe: str | None = None,
        evolution: str | os.PathLike[str] | Evolution | None = None,
        progress: float | None = None,
        dry_run: bool = False,
    ) -> Bred:
        """Breed new groups from the best ones.

        Args:
            metric: Metric, as `top` takes it.
            top: Take this many of the best groups of each data set.
            children: Number of new groups; fewer are made if there are no others any more.
            seed: Number from which every random choice follows; None draws one.
            where: Condition for the runs that count, such as `"1 <= trades <= 150"`.
            lowest: Whether the lowest values are the best.
            families: Only runs of these families; empty: all.
            allow: Only data sets with one of these texts in their name; empty: all.
            deny: No data set with one of these texts in its name.
            parts: Whether the parameters of each inner algo are bred by the results of that algo;
                their tags say which they are.
            strategies: Strategies of the core, or texts `"NAME:key=value,key=value"`.
            recipe: Name of a recipe.
            evolution: Evolution of the core, or a file with one in JSON.
            progress: Fraction of the search that is done, from 0 to 1, for strategies that make
                smaller steps towards its end; None: not known.
            dry_run: Whether to write nothing.

        Raises:
            MetricError: No group has a value.
            RuleError: None of the best groups keeps a rule.
        """
        # Programs that only read and report need no strategies, so they do not import them.
        from clantune_store.breeding.breed import ORIGIN, add, plan  # noqa: PLC0415

        made = plan(
            self.database,
            metric,
            top=top,
            children=children,
            seed=seed,
            where=where,
            lowest=lowest,
            families=families,
            allow=allow,
            deny=deny,
            parts=parts,
            strategies=strategies,
            recipe=recipe,
            evolution=evolution,
            progress=progress,
        )
        if dry_run:
            numbers = [0] * len(made.children)
        else:
            with self.database.write() as connection:
                numbers = add(connection, made)
        space, now = made.space.id, time.time()
        pairs = zip(numbers, made.children, strict=True)
        return Bred(
            tuple(Group(number, c.id, space, now, ORIGIN, c.values) for number, c in pairs), made
        )
