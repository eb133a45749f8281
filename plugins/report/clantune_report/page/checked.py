"""Checking that the records of a run fit together, so that no chart meets what it cannot draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clantune_clan import ClanError
from clantune_clan.records import RoundRecord, RunFile, RunStart
from clantune_core import AbstractAllele, AlleleError, ContinuousAllele

Round = tuple[RoundRecord, ...]


def complete_rounds(run: RunFile) -> tuple[Round, ...]:
    """Return the rounds of a run. A last round that is being written is left out.

    Raises:
        ClanError: A record does not fit the others. The error names file, round and member.
    """
    rounds: list[Round] = []
    for records in run.rounds:
        for record in records:
            _require(run, record, _problem(run.start, record))
        members = [record.member for record in records]
        expected = [*range(_members_in(run, records[0]))]
        is_a_part = members == expected[: len(members)] != expected
        if is_a_part and records is run.rounds[-1]:
            break
        if members != expected:
            _require(run, records[0], f"is one of {members}, and not of {expected}")
        before = rounds[-1] if rounds else ()
        for record in records:
            _require(run, record, _unknown_member(record, len(records), len(before)))
            _require(run, record, _out_of_step(record, records[0], before))
        rounds.append(records)
    return tuple(rounds)


def _members_in(run: RunFile, record: RoundRecord) -> int:
    """Return the number of members in the round of a record. A run may resume within a round."""
    end = record.start + record.steps
    begun = [start for start in run.starts if start.step < end]
    return (begun or run.starts)[-1].members


def _problem(start: RunStart, record: RoundRecord) -> str | None:
    """Return what is wrong with a record, or None."""
    if record.genes.keys() != start.genes.keys():
        return f"has the genes {[*record.genes]}, and not {[*start.genes]}"
    for name, value in record.genes.items():
        if problem := _problem_of_value(start.genes[name], value):
            return f"has a gene {name!r} that cannot be: {problem}"
    return None


def _problem_of_value(allele: AbstractAllele, value: Any) -> str | None:
    try:
        allele.with_value(value)
    except AlleleError as error:
        return str(error)
    if isinstance(allele, ContinuousAllele):
        low, high = allele.widest
        return None if low <= value <= high else f"{value} is outside {allele.widest}"
    return None


def _unknown_member(record: RoundRecord, members: int, before: int) -> str | None:
    """Return which member is named that there is not, or None.

    Args:
        record: Record that names members.
        members: Number of members in its round.
        before: Number of members in the round before.
    """
    named: list[tuple[str, int | None, int]] = [
        ("parents", member, members) for member, _ in record.parents
    ]
    named += [("weights_from", record.weights_from, members)]
    named += [("continues", record.continues, before)]
    for name, member, limit in named:
        if member is not None and member >= limit:
            return f"names the member {member!r} in {name}, and there are {limit}"
    return None


def _out_of_step(
    record: RoundRecord, first: RoundRecord, before: Sequence[RoundRecord]
) -> str | None:
    """Return how the steps of a record differ from those of its round, or None."""
    if (record.start, record.steps) != (first.start, first.steps):
        return "has other steps than the first member"
    if before and record.start != before[0].start + before[0].steps:
        return f"starts in step {record.start}, where the round before does not end"
    return None


def _require(run: RunFile, record: RoundRecord, problem: str | None) -> None:
    """Raise an error that says what is wrong with a record, if anything is."""
    if problem is not None:
        raise ClanError(
            f"{run.path}: the record of member {record.member} in round {record.round} {problem}; "
            "the file is damaged"
        )
