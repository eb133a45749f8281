"""Who descends from whom: the family tree of the members' weights."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import attrs

from clantune_clan.records import RoundRecord
from clantune_report.facts import Facts


@attrs.frozen
class Edge:
    """A line from a member to a member of the next round, which got weights from it.

    Attributes:
        place: Place of the parent's round in the sequence of rounds.
        parent: Member that gave its weights.
        child: Member of the next round.
        share: Share of the child's weights that came from the parent, 0 to 1.
    """

    place: int
    parent: int
    child: int
    share: float


def edges_of(facts: Facts) -> list[Edge]:
    """Return the lines between all rounds."""
    found = []
    for place, (before, after) in enumerate(itertools.pairwise(facts.rounds)):
        for child in after:
            # After a resume with another number of members, a member goes on from another one.
            number = child.member if child.continues is None else child.continues
            if number < len(before):
                found += [
                    Edge(place, parent, child.member, share)
                    for parent, share in weights_of(before[number])
                ]
    return found


def weights_of(record: RoundRecord) -> Sequence[tuple[int, float]]:
    """Return the members that the weights of the next round came from, with their shares."""
    if record.weights_from is not None:
        return [(record.weights_from, 1.0)]
    return record.parents or [(record.member, 1.0)]


def survivors(facts: Facts, edges: Sequence[Edge]) -> list[set[int]]:
    """Return the members of each round whose weights live on in the last round."""
    by_place = _by_place(facts, edges)
    alive = {record.member for record in facts.rounds[-1]}
    found = [alive]
    for between in reversed(by_place):
        alive = {edge.parent for edge in between if edge.child in alive}
        found.append(alive)
    return found[::-1]


def founders(facts: Facts, edges: Sequence[Edge]) -> list[int]:
    """Return how many members of the first round have descendants in each round."""
    origins = {record.member: {record.member} for record in facts.rounds[0]}
    found = [len(origins)]
    for between in _by_place(facts, edges):
        after: dict[int, set[int]] = {}
        for edge in between:
            after.setdefault(edge.child, set()).update(origins.get(edge.parent, set()))
        origins = after
        found.append(len(set().union(*origins.values())))
    return found


def _by_place(facts: Facts, edges: Sequence[Edge]) -> list[list[Edge]]:
    found: list[list[Edge]] = [[] for _ in facts.rounds[1:]]
    for edge in edges:
        found[edge.place].append(edge)
    return found
