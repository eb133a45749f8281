"""A check that the states of parents and children match, with the same result on all ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clantune_clan.errors import ClanError
from clantune_clan.inheritance.form import Form, walk
from clantune_clan.inheritance.plan import Plan

FIXED = ("model", "average")
"""Parts with the same form on all ranks, because all ranks build the same objects."""


def require_matching(plan: Plan, forms: Sequence[Mapping[str, Form]], per_member: int) -> None:
    """Check that children can load the inherited states, and that parents can be averaged.

    Args:
        plan: Parents of each child.
        forms: Forms of each rank's state.
        per_member: Number of ranks that train one member.

    Raises:
        ClanError: Two members do not match; the error names both and the difference.
    """
    entries = [{part: dict(walk(f, part)) for part, f in each.items()} for each in forms]
    for rank in range(len(forms)):
        child, place = divmod(rank, per_member)
        first = plan.first(child)
        for parent in plan.parents[child]:
            theirs = entries[parent * per_member + place]
            for part in FIXED:
                if found := _difference(entries[rank][part], theirs[part]):
                    raise ClanError(
                        f"member {child} cannot inherit from member {parent}: {found[0]} is "
                        f"{found[1]} at the child and {found[2]} at the parent; build the same on "
                        "every rank"
                    )
            _require_same_names(forms[rank], forms[parent * per_member + place], child, parent)
            leading = entries[first * per_member + place]
            for part in theirs:
                if found := _difference(leading[part], theirs[part]):
                    raise ClanError(
                        f"member {first} and member {parent} cannot be averaged for member "
                        f"{child}: {found[0]} is {found[1]} at member {first} and {found[2]} at "
                        f"member {parent}; give one of them the weight 0, or let both take steps "
                        "with optimizers of the same options first"
                    )


def _require_same_names(
    child_forms: Mapping[str, Form], parent_forms: Mapping[str, Form], child: int, parent: int
) -> None:
    mine, theirs = (
        [name for name, _ in f["registered"]["dict"]] for f in (child_forms, parent_forms)
    )
    if mine != theirs:
        raise ClanError(
            f"member {child} cannot inherit from member {parent}: what is registered is "
            f"{mine} at the child and {theirs} at the parent; register the same on every rank"
        )


def _difference(
    one: Mapping[str, object], other: Mapping[str, object]
) -> tuple[str, str, str] | None:
    """Return the name of the first difference and both its values, or None."""
    if one == other:
        return None
    for name in [*one, *other]:
        here, there = one.get(name), other.get(name)
        if here != there:
            return repr(name), str(here or "missing"), str(there or "missing")
    return None
