"""The members of a checkpoint that continue in a clan of another number of members."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from clantune_clan.records.record import RoundRecord
from clantune_clan.records.run_file import parsed


def continued_members(fittest_first: Sequence[int], num_members: int) -> list[int]:
    """Return for each member of a clan the saved member that it continues.

    The fittest continue, in the order of their numbers. If there are more members than saved ones,
    clones follow, and the fittest members have the most.

    Args:
        fittest_first: Numbers of the saved members.
        num_members: Number of members of the clan.
    """
    size = len(fittest_first)
    clones = [fittest_first[index % size] for index in range(num_members - size)]
    return [*sorted(fittest_first[:num_members]), *clones]


def fittest_first(saved: Mapping[str, Any], num_members: int, sign: float) -> list[int]:
    """Return the saved members by the fitness of their weights in the last complete round.

    Failed members are last. Members of equal fitness keep the order of their numbers.

    Args:
        saved: Saved state of rank 0, which has the history.
        num_members: Number of saved members.
        sign: Factor from a metric to a fitness.
    """
    records, earlier = _last_round(saved["history"]), saved["training"]["run"]["continues"]

    def fitness(member: int) -> float:
        # The number that it had in that round, and then the member that its weights come from.
        number = member if earlier is None else earlier[member]
        if number not in records:
            return math.inf
        origin = records[number].weights_from
        metric = records[number if origin is None else origin].metric
        return sign * metric if math.isfinite(metric) else math.inf

    return sorted(range(num_members), key=fitness)


def _last_round(history: str) -> dict[int, RoundRecord]:
    """Return the records of the last round in a history, by member."""
    records: dict[int, RoundRecord] = {}
    for line in reversed(history.splitlines()):
        record = parsed(line)
        if not isinstance(record, RoundRecord):
            continue
        if records and record.round != next(iter(records.values())).round:
            break
        records[record.member] = record
    return records
