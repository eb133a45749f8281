"""Mending: values that break rules move towards values that keep them."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from clantune_core import AbstractAllele, ContinuousAllele
from clantune_store.errors import RuleError
from clantune_store.space.assigning import Assignment, assigned, assignments_of
from clantune_store.space.rules import Rule
from clantune_store.space.space import Space
from clantune_store.space.suffixes import suffix_of

HALVINGS = 12
"""Times that the way to values that keep the rules is halved."""

Values = Mapping[str, Any]


@attrs.frozen
class _Part:
    """Rules that share names, directly or through others.

    Attributes:
        names: All names in them.
        rules: The rules.
        assignments: Those of them that give a parameter its value.
        members: Values of the groups that keep them, by id, the best group first.
    """

    names: frozenset[str]
    rules: tuple[Rule, ...]
    assignments: tuple[Assignment, ...]
    members: Mapping[uuid.UUID, Values] = attrs.field(factory=dict, hash=False)

    def keeps(self, values: Values) -> bool:
        own = {name: values[name] for name in self.names}
        return all(rule.holds(own) for rule in self.rules)


@attrs.frozen
class Mender:
    """Makes values of a space keep its rules.

    Attributes:
        space: The space.
    """

    space: Space
    _parts: tuple[_Part, ...] = attrs.field(repr=False)

    @classmethod
    def of(cls, space: Space, members: Mapping[uuid.UUID, Values]) -> Mender:
        """Return the mender of a population.

        Args:
            space: Space of all values.
            members: Values of the groups to breed from, by id, the best one first. They fit the
                space.

        Raises:
            RuleError: None of them keeps a rule, or those that belong together.
        """
        return cls(space, tuple(_with_members(space, part, members) for part in _parts(space)))

    def assign(self, values: Values) -> dict[str, Any]:
        """Return values in which each rule `x == expression` has given x its value, if it can."""
        made = dict(values)
        for part in self._parts:
            made = assigned(part.assignments, made, self.space)
        return made

    def keeps(self, values: Values) -> bool:
        """Return whether values keep all rules."""
        return all(part.keeps(values) for part in self._parts)

    def mend(self, values: Values, parents: Iterable[uuid.UUID]) -> dict[str, Any]:
        """Return values that keep all rules.

        The numbers that broken rules name go back on their latent lines, no further than needed,
        towards the first parent that keeps these rules, or the best other group that does. Other
        values become those of that group only if moving the numbers is not enough.

        Args:
            values: Values, which may break rules.
            parents: Ids of the groups that they descend from, the most important one first.
        """
        made = self.assign(values)
        own = [*parents]
        for part in self._parts:
            if not part.keeps(made):
                goal = next(id_ for id_ in (*own, *part.members) if id_ in part.members)
                made.update(self._pulled_back(part, made, part.members[goal]))
        return made

    def _pulled_back(self, part: _Part, values: Values, goal: Values) -> dict[str, Any]:
        moving = {name: self._allele(name, values[name]) for name in sorted(part.names)}
        target = {name: self._allele(name, goal[name]) for name in sorted(part.names)}
        numbers = {n: a for n, a in moving.items() if isinstance(a, ContinuousAllele)}

        def at(share: float, others: Values) -> dict[str, Any] | None:
            """Return values this share of the way out from the goal, if they keep the rules."""
            made = {name: others[name] for name in moving if name not in numbers}
            for name, allele in numbers.items():
                made[name] = suffix_of(name).stored(_between(target[name], allele, share))
            made = assigned(part.assignments, made, self.space)
            return made if part.keeps(made) else None

        for others in (values, goal):
            best = at(0.0, others)
            if best is not None:
                return _farthest(functools.partial(at, others=others), best)
        return {name: goal[name] for name in moving}

    def _allele(self, name: str, value: Any) -> AbstractAllele:
        return self.space.parameters[name].with_value(suffix_of(name).held(value))


def _between(goal: AbstractAllele, allele: ContinuousAllele, share: float) -> AbstractAllele:
    if not isinstance(goal, ContinuousAllele):
        raise TypeError("two values of one parameter have different kinds")
    return goal.with_latent(goal.latent + share * (allele.latent - goal.latent))


def _farthest(at: Callable[[float], dict[str, Any] | None], best: dict[str, Any]) -> dict[str, Any]:
    """Return the values that are farthest out and keep the rules, found by bisection."""
    whole = at(1.0)
    if whole is not None:
        return whole
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        found = at(middle)
        if found is None:
            high = middle
        else:
            low, best = middle, found
    return best


def _parts(space: Space) -> list[_Part]:
    """Return the rules of a space, those together that share names."""
    found: list[tuple[frozenset[str], list[Rule]]] = []
    for rule in space.rules:
        names, together, rest = frozenset(rule.names), [rule], []
        for others, some in found:
            if others & names:
                names, together = names | others, some + together
            else:
                rest.append((others, some))
        found = [*rest, (names, together)]
    return [_Part(names, tuple(some), assignments_of(some)) for names, some in found]


def _with_members(space: Space, part: _Part, members: Mapping[uuid.UUID, Values]) -> _Part:
    """Return rules with the groups that keep them."""
    ready = {id_: assigned(part.assignments, own, space) for id_, own in members.items()}
    keeping = {id_: own for id_, own in ready.items() if part.keeps(own)}
    if keeping:
        return attrs.evolve(part, members=keeping)
    broken = [rule for rule in part.rules if not any(_holds(rule, own) for own in ready.values())]
    which = " and ".join(map(str, broken or part.rules))
    rules = "rule" if len(broken or part.rules) == 1 else "rules"
    raise RuleError(
        f"none of the groups to breed from keeps the {rules} {which}: change the {rules}, or "
        f"report a result for a group that keeps {'it' if rules == 'rule' else 'them'}"
    )


def _holds(rule: Rule, values: Values) -> bool:
    return rule.holds({name: values[name] for name in rule.names})
