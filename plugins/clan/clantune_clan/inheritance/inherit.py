"""Inheritance as a whole: agree on the plan, move the tensors, take them over, and check."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.inheritance.checking import require_inherited
from clantune_clan.inheritance.checksum import NO_CHECKSUM, Checksum, checksum
from clantune_clan.inheritance.form import Form, outlines_of
from clantune_clan.inheritance.inherited import InheritedState, inherited_state, take_over
from clantune_clan.inheritance.matching import require_matching
from clantune_clan.inheritance.movement import Movement
from clantune_clan.inheritance.plan import Plan, require_one_plan
from clantune_clan.member.training_state import TrainingState

WHERE = "inheriting"


@attrs.frozen
class Report:
    """What an inheritance has done on this rank.

    Attributes:
        bytes_moved: Size of what this rank has inherited from others, in bytes.
        seconds: How long each part took: `"forms"`, `"transfer"`, `"takeover"`, `"checks"`.
        checksum: Of the state afterwards: equal for a child and the parent that it copies, and for
            children of the same parents. None if it is compared with no other member's.
    """

    bytes_moved: int
    seconds: Mapping[str, float]
    checksum: int | None


class Inheritance:
    """Moves weights, buffers and optimizer state from parents to children, between two rounds.

    Children inherit all parameters and buffers, also those that are frozen or not saved; the state
    of the optimizer with its step counters; the running average; and registered objects. They keep
    their own hyperparameters of the optimizer.
    """

    def __init__(
        self,
        state: TrainingState,
        communicator: Communication,
        registered: Mapping[str, Any] | None = None,
    ) -> None:
        """Inherit into a state.

        Args:
            state: The state of this rank's member.
            communicator: The channel to the other ranks.
            registered: Objects with `state_dict` and `load_state_dict` that are inherited as well,
                by name; the same names on all ranks.
        """
        self._state = state
        self._communicator = communicator
        self._registered = dict(registered or {})

    def apply(self, plan: Plan) -> Report:
        """Let every member inherit as the plan says. All ranks do this together.

        Raises:
            ClanError: The ranks hold different plans, members do not match, or what a child has
                afterwards is not its parent's. It is raised on all ranks.
            CommunicationError: A rank is missing.
        """
        seconds: dict[str, float] = {}
        with _timed(seconds, "forms"):
            own, forms = self._agree(plan)
        me = self._communicator.member_index
        inherits, is_copied = not plan.keeps_own(me), plan.is_copied(me)
        before = None
        if inherits and is_copied:  # its children become what this member was before
            with _timed(seconds, "checks"):
                before = _checksum(own)
        with _timed(seconds, "transfer"):
            inherited = own.shaped_as(forms[plan.first(me)], self._state) if inherits else own
            if inherits or is_copied or plan.means:
                self._move(plan, own, inherited, forms)
        state, problem, moved = own, None, 0
        if inherits:
            with _timed(seconds, "takeover"):
                state, problem = self._take_over(own, inherited)
            moved = sum(tensor.nbytes for tensor in inherited.tensors.values())
        with _timed(seconds, "checks"):
            is_compared = inherits or is_copied
            after = _checksum(state) if is_compared else NO_CHECKSUM
            require_inherited(plan, self._communicator, before or after, after, problem)
        return Report(moved, seconds, after.total if is_compared else None)

    def _agree(self, plan: Plan) -> tuple[InheritedState, list[Mapping[str, Form]]]:
        """Return this rank's state, and the forms of each member's: of the ranks of its place."""
        communicator = self._communicator
        problem: ClanError | None = plan.problem(communicator.num_members)
        own = InheritedState({}, {}, {})
        try:
            own = inherited_state(self._state, self._registered)
        except ClanError as error:
            problem = problem or error
        answers = communicator.gather(WHERE, [plan.as_data(), own.digest], problem=problem)
        require_one_plan([data for data, _ in answers])
        if len({digest for _, digest in answers}) == 1:
            return own, [own.forms] * communicator.num_members
        forms = [json.loads(text) for text in communicator.gather(WHERE, own.text)]
        require_matching(plan, forms, communicator.ranks_per_member)
        place = communicator.rank % communicator.ranks_per_member
        return own, forms[place :: communicator.ranks_per_member]

    def _move(
        self,
        plan: Plan,
        own: InheritedState,
        inherited: InheritedState,
        forms: Sequence[Mapping[str, Form]],
    ) -> None:
        Movement(
            plan=plan,
            member=self._communicator.member_index,
            layouts=[own.tensors if f is own.forms else outlines_of(f) for f in forms],
            own=own.tensors,
            inherited=inherited.tensors,
            transfer=self._communicator.transfer,
        ).run()

    def _take_over(
        self, own: InheritedState, inherited: InheritedState
    ) -> tuple[InheritedState, ClanError | None]:
        """Make what was inherited the state; return what the state is now, and what went wrong."""
        try:
            take_over(self._state, self._registered, inherited)
            return inherited_state(self._state, self._registered), None
        except ClanError as error:
            return own, error


def _checksum(state: InheritedState) -> Checksum:
    named = {outline.name: tensor for outline, tensor in state.tensors.items()}
    return checksum(named, state.digest)


@contextlib.contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[part] = seconds.get(part, 0.0) + time.perf_counter() - began
