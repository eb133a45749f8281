"""Whether children hold what they should, by checksums that all ranks compare."""

from __future__ import annotations

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.inheritance.checksum import Checksum, checksum
from clantune_clan.inheritance.heritage import Heritage
from clantune_clan.inheritance.plan import Plan

WHERE = "checking what was inherited"


def checksum_of_all(heritage: Heritage) -> Checksum:
    """Return the checksum of all that travels: each tensor's, and what is no tensor."""
    return checksum(heritage.tensors, heritage.digest)


def require_inherited(
    plan: Plan,
    communicator: Communication,
    names: list[str],
    before: Checksum,
    after: Checksum,
    problem: Exception | None,
) -> None:
    """Check that copies equal what their parents held, and that children of the same are equal.

    Args:
        plan: Who has inherited from whom.
        communicator: The channel to the other ranks.
        names: The names of this rank's tensors afterwards.
        before: Of what this rank held.
        after: Of what it holds.
        problem: What went wrong on this rank, if something did.

    Raises:
        ClanError: A child does not hold what it should, or a rank had a problem.
    """
    told = communicator.gather(WHERE, [before.total, after.total], problem=problem)
    wrong = [
        (rank, model, which)
        for rank, model, which in _pairs(plan, communicator.ranks_per_member)
        if told[rank][1] != told[model][which]
    ]
    if not wrong:
        return
    details = communicator.gather(WHERE, [names, before.parts, after.parts])
    rank, model, which = wrong[0]
    names, _, parts = details[rank]
    first = next(
        (
            f"{name!r}, bit for bit"
            for name, mine, other in zip(names, parts, details[model][1 + which], strict=False)
            if mine != other
        ),
        "what is no tensor, such as numbers in the optimizer's state or a registered object's",
    )
    child, parent = (each // communicator.ranks_per_member for each in (rank, model))
    which_one = "its parent" if which == 0 else "who has the same parents"
    raise ClanError(
        f"member {child} has not become equal to member {parent}, {which_one}: they differ in "
        f"{first}; something else writes to it meanwhile, or an object's load_state_dict does not "
        "keep what it is given: do not go on from this state"
    )


def _pairs(plan: Plan, per_member: int) -> list[tuple[int, int, int]]:
    """Return ranks, each with the one that it must equal, as that was before (0) or after (1)."""
    pairs = []
    earlier: dict[tuple[int, str], int] = {}
    for rank in range(len(plan.parents) * per_member):
        child, place = divmod(rank, per_member)
        givers = plan.givers(child)
        if len(givers) == 1:
            pairs.append((rank, plan.first(child) * per_member + place, 0))
        else:
            pairs.append((rank, earlier.setdefault((place, str(givers)), rank), 1))
    return pairs
