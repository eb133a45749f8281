"""Which member's weights the members go on from, in words."""

from __future__ import annotations

from clantune_clan.records.schedule import Round
from clantune_report.facts import has_failed
from clantune_report.wording import listed


def descent_of(records: Round) -> list[str]:
    """Return where the weights after a round come from, in parts that a semicolon separates."""
    if records[0].calibration:
        return ["all go back to the first weights, for calibration"]
    if all(map(has_failed, records)):
        return ["all go back to the best weights so far, since all members failed"]
    if (earlier := records[0].went_back_to) is not None:
        return [f"all go back to the weights of round {earlier}, since the centre was worse"]
    if records[0].weights_from is None:
        return _from_means(records)
    return _from_members(records)


def _from_means(records: Round) -> list[str]:
    """Return the parents of each mean."""
    parents = [tuple(member for member, _ in each.parents) for each in records]
    if any(each != parents[0] for each in parents):
        return [f"{m} from {listed(each)}" for m, each in enumerate(parents)]
    if len(parents[0]) == len(records):
        return ["the mean of all members" if len(records) > 1 else "its own"]
    return [f"the mean of members {listed(parents[0])}"]


def _from_members(records: Round) -> list[str]:
    """Return the children of each parent."""
    children: dict[int | None, list[int]] = {}
    kept = 0
    for each in records:
        if each.weights_from in (each.member, None):
            kept += 1
        else:
            children.setdefault(each.weights_from, []).append(each.member)
    if kept == len(records):
        return ["each keeps its own" if kept > 1 else "its own"]
    moved = [f"{listed(names)} from {parent}" for parent, names in children.items()]
    return [*moved, *(["the others keep theirs"] if kept else [])]
