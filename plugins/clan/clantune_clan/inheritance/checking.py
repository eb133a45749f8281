"""A check that children have inherited the right state, by checksums that all ranks compare."""

from __future__ import annotations

from collections.abc import Sequence

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.inheritance.checksum import Checksum
from clantune_clan.inheritance.plan import Plan


def require_inherited(
    plan: Plan,
    communicator: Communication,
    totals: Sequence[tuple[int, int]],
    before: Checksum,
    after: Checksum,
) -> None:
    """Check that copies equal their parents, and that children of the same parents are equal.

    Args:
        plan: Parents of each child.
        communicator: Channel to the other ranks.
        totals: Totals of both checksums on each rank.
        before: Checksum of this rank's state before it inherited.
        after: Checksum of its state now.

    Raises:
        ClanError: The state of a child differs from the expected one.
    """
    wrong = [
        (rank, model, which)
        for rank, model, which in _pairs(plan, communicator.ranks_per_member)
        if totals[rank][1] != totals[model][which]
    ]
    if not wrong:
        return
    details = communicator.gather("comparing checksums", [before.parts, after.parts])
    rank, model, which = wrong[0]
    theirs = details[model][which]
    first = next(
        (
            f"{name!r}, bit for bit"
            for name, part in details[rank][1].items()
            if part != theirs.get(name)
        ),
        "values that are not tensors, such as numbers in the state of the optimizer",
    )
    child, parent = (each // communicator.ranks_per_member for each in (rank, model))
    which_one = "its parent" if which == 0 else "which has the same parents"
    raise ClanError(
        f"member {child} has not become equal to member {parent}, {which_one}: they differ in "
        f"{first}; something else writes to it meanwhile, or an object's load_state_dict does not "
        "keep what it is given: do not go on from this state"
    )


def _pairs(plan: Plan, per_member: int) -> list[tuple[int, int, int]]:
    """Return pairs of ranks with equal states; the second one's state is its old (0) or new (1)."""
    pairs = []
    earlier: dict[tuple[int, str], int] = {}
    for rank in range(len(plan.parents) * per_member):
        child, place = divmod(rank, per_member)
        parents = plan.parents[child]
        if len(parents) == 1:
            pairs.append((rank, plan.first(child) * per_member + place, 0))
        else:
            pairs.append((rank, earlier.setdefault((place, str(parents)), rank), 1))
    return pairs
