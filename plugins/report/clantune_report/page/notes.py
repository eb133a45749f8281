"""What a reader of the page should know before the charts."""

from __future__ import annotations

from collections.abc import Iterator

from clantune_report.facts import Facts, has_failed
from clantune_report.genes import genes_of
from clantune_report.limits import genes_at_limit
from clantune_report.page.text import in_html
from clantune_report.wording import ONE_MEMBER, counted, listed, number


def notes_of(facts: Facts) -> list[str]:
    """Return notes about a run, as HTML."""
    return [*_of_progress(facts), *_of_members(facts), *_of_result(facts), *_of_genes(facts)]


def _of_progress(facts: Facts) -> Iterator[str]:
    if facts.run.end is None:
        yield "The file has no end: the run is not over, or its process was killed."
    total = facts.total_steps
    if total is not None and facts.run.end is not None and facts.steps < total:
        yield f"The run ended after {facts.steps:,} of {counted(total, 'step')}."
    if not facts.rounds:
        yield "No round is complete yet, so there is nothing to draw."
    if len(facts.run.starts) > 1:
        sizes = [start.members for start in facts.run.starts]
        members = f" The number of members was {listed(sizes)}." if len({*sizes}) > 1 else ""
        yield f"The run was resumed {counted(len(sizes) - 1, 'time')}.{members}"


def _of_members(facts: Facts) -> Iterator[str]:
    if facts.most_members == 1:
        yield f"{ONE_MEMBER.capitalize()}."
    lost = [records for records in facts.rounds if all(map(has_failed, records))]
    if lost:
        rounds = listed(records[0].round for records in lost)
        yield (
            f"All members failed in round {rounds}: the run went back to its best weights. A lower "
            "learning rate may help."
        )
    for records in facts.rounds:
        if records[0].went_back_to is not None:
            yield (
                f"The clan was worse after round {records[0].round}: it went back to the weights "
                f"of round {records[0].went_back_to}."
            )
    some = [
        f"member {record.member} in round {record.round}"
        for records in facts.rounds
        if records not in lost
        for record in records
        if has_failed(record)
    ]
    if some:
        yield f"A {facts.metric} was not a finite number: {listed(some)}."


def _of_result(facts: Facts) -> Iterator[str]:
    winner = facts.winner
    if winner is None:
        if facts.rounds:
            yield f"No {facts.metric} was a finite number, so there is no best result."
        return
    if winner.place < len(facts.rounds) - 1:
        best, last = facts.rounds[winner.place], facts.rounds[-1]
        yield (
            f"The best {facts.metric} is that of round {best[0].round}: no later round was better, "
            f"and the last one is round {last[0].round}. <code>clan.best()</code> returns the best "
            "weights."
        )


def _of_genes(facts: Facts) -> Iterator[str]:
    for gene in genes_of(facts):
        may_change = gene.allele.can_mutate and gene.allele.can_crossbreed
        if may_change and not gene.varies and len(facts.rounds) > 1 and facts.most_members > 1:
            yield f"{in_html(gene.name)} never changed, although the recipe may change it."
    for name, end in genes_at_limit(facts).items():
        yield (
            f"{in_html(name)} ended at the limit of its range, {number(end)}: a wider range may be "
            "better."
        )
