"""Checks that the entries in the file of a run fit together, as those of one run do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clantune_clan.errors import ClanError
from clantune_clan.records.events import RunStart
from clantune_clan.records.record import RoundRecord
from clantune_core import AbstractAllele, AlleleError, ContinuousAllele


def require_resumed(start: RunStart, before: RunStart, last: Sequence[RoundRecord]) -> None:
    """Raise an error if a further start is not that of the same run, which goes on.

    Args:
        start: The further start.
        before: The start before it.
        last: Records of the last round; empty before the first complete one.
    """
    if last and start.step < last[0].start + last[0].steps:
        raise ClanError(
            "the file has two runs, and the second one begins here: write each run into a file of "
            "its own"
        )
    if start.genes.keys() != before.genes.keys():
        raise ClanError(
            f"the run goes on here with the genes {[*start.genes]}, and not {[*before.genes]}: "
            "the file is damaged"
        )


def require_fitting(
    record: RoundRecord,
    starts: Sequence[RunStart],
    begun: Sequence[RoundRecord],
    last: Sequence[RoundRecord],
) -> None:
    """Raise an error if a record does not fit what comes before it.

    Args:
        record: The record.
        starts: Settings of the run, each time that it began or resumed.
        begun: Records of the same round so far, from member 0 on.
        last: Records of the round before; none for the first round.
    """
    start = starts[-1]
    problem = (
        _problem_of_order(record, start.members, begun)
        or _problem_of_round(record, begun or (record,))
        or _problem_of_place(record, [each.step for each in starts], last)
        or _problem_of_genes(record.genes, start.genes)
        or _problem_of_names(record, start.members, len(last))
    )
    if problem is not None:
        raise ClanError(
            f"the record of member {record.member} in round {record.round} {problem}; the file is "
            "damaged"
        )


def require_complete(begun: Sequence[RoundRecord]) -> None:
    """Raise an error if a round lacks members although something else follows it."""
    if begun:
        raise _lacking(begun[0].round, len(begun))


def _lacking(round_: int, member: int) -> ClanError:
    return ClanError(f"round {round_} lacks the record of member {member}; the file is damaged")


def _problem_of_order(
    record: RoundRecord, members: int, begun: Sequence[RoundRecord]
) -> str | None:
    if record.member >= members:
        return f"is one too many: the last member is {members - 1}"
    if begun and begun[0].round != record.round:
        raise _lacking(begun[0].round, len(begun))
    if record.member > len(begun):
        raise _lacking(record.round, len(begun))
    return "is there twice" if record.member < len(begun) else None


def _problem_of_round(record: RoundRecord, begun: Sequence[RoundRecord]) -> str | None:
    first = begun[0]
    if (record.start, record.steps) != (first.start, first.steps):
        return "has other steps than that of member 0"
    if record.went_back_to != first.went_back_to:
        return "differs from that of member 0 in the round that the clan went back to"
    if record.calibration != first.calibration:
        return "differs from that of member 0 in whether the round is one of calibration"
    return None


def _problem_of_place(
    record: RoundRecord, resumed: Sequence[int], last: Sequence[RoundRecord]
) -> str | None:
    if record.went_back_to is not None and record.went_back_to >= record.round:
        return f"says that the clan went back to round {record.went_back_to}, which is not before"
    if not last:
        return None
    if record.round != last[0].round + 1:
        return f"follows round {last[0].round}"
    end = last[0].start + last[0].steps
    # A run that goes on within a round with other members begins a new round there.
    if record.start != end and not (record.start > end and record.start in resumed):
        return f"starts in step {record.start}, where the round before does not end"
    return None


def _problem_of_genes(
    genes: Mapping[str, Any], alleles: Mapping[str, AbstractAllele]
) -> str | None:
    if genes.keys() != alleles.keys():
        return f"has the genes {[*genes]}, and not {[*alleles]}"
    for name, value in genes.items():
        if problem := _problem_of_value(alleles[name], value):
            return f"has an impossible value of gene {name!r}: {problem}"
    return None


def _problem_of_value(allele: AbstractAllele, value: Any) -> str | None:
    try:
        allele.with_value(value)
    except AlleleError as error:
        return str(error)
    # A resumed run may have other domains, but no number outside the widest one has a latent.
    if isinstance(allele, ContinuousAllele) and not (
        allele.widest.min <= value <= allele.widest.max
    ):
        return f"{value} is outside {allele.widest}"
    return None


def _problem_of_names(record: RoundRecord, members: int, before: int) -> str | None:
    """Return which member is named that there is not, or None.

    Args:
        record: Record that names members.
        members: Number of members in its round.
        before: Number of members in the round before; 0 for the first round.
    """
    named = [("parents", member, members) for member, _ in record.parents]
    if record.weights_from is not None:
        named.append(("weights_from", record.weights_from, members))
    if before and record.continues is not None:  # the first round may follow an incomplete one
        named.append(("continues", record.continues, before))
    for name, member, limit in named:
        if member >= limit:
            return f"names member {member} in {name}, and the last member is {limit - 1}"
    if before and record.continues is None and record.member >= before:
        return "does not name the member of the round before that it continues"
    return None
