"""The steps of an inheritance: compare forms, move tensors, load the state, and check it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from clantune_clan.communication import Communication
from clantune_clan.inheritance.checking import require_inherited
from clantune_clan.inheritance.checksum import NO_CHECKSUM, Checksum, checksum
from clantune_clan.inheritance.form import Form, outlines_of
from clantune_clan.inheritance.inherited import InheritedState, inherited_state, take_over
from clantune_clan.inheritance.matching import require_matching
from clantune_clan.inheritance.movement import Movement
from clantune_clan.inheritance.plan import Plan
from clantune_clan.member.training_state import TrainingState

WHERE = "inheriting"


@attrs.frozen
class Report:
    """The results of an inheritance on this rank.

    Attributes:
        bytes_moved: Size of the tensors that this rank has inherited from others, in bytes.
        seconds: Duration of each part: `"forms"`, `"transfer"`, `"takeover"`, `"checks"`.
        checksum: Checksum of the new state. It is equal for a child and the parent that it copies,
            and for children of the same parents. None if no other member's state must be equal.
    """

    bytes_moved: int
    seconds: Mapping[str, float]
    checksum: int | None


class Inheritance:
    """Moves weights, buffers and optimizer state from parents to children, between two rounds.

    Children inherit all parameters and buffers, including frozen and non-persistent ones; the state
    of the optimizer with its step counters; the running average; and registered objects. They keep
    their own hyperparameters of the optimizer.
    """

    def __init__(
        self,
        state: TrainingState,
        communicator: Communication,
        registered: Mapping[str, Any] | None = None,
    ) -> None:
        """Prepare inheritance into a state.

        Args:
            state: State of this rank's member.
            communicator: Channel to the other ranks.
            registered: Further objects to inherit, with `state_dict` and `load_state_dict`, by
                name; the same names on all ranks.
        """
        self._state = state
        self._communicator = communicator
        self._registered = dict(registered or {})
        self._own = InheritedState({}, {}, {})

    def prepare(self) -> str:
        """Read the state of this rank, and return a digest of its form for the other ranks.

        Raises:
            ClanError: The state has a part that no child can inherit.
        """
        self._own = inherited_state(self._state, self._registered)
        return self._own.digest

    def apply(
        self, plan: Plan, digests: Sequence[str], judge: Callable[[], Any] = lambda: None
    ) -> tuple[Report, list[Any]]:
        """Let every member inherit according to the plan. All ranks call this together.

        Args:
            plan: Plan that is made from the values of all ranks, so it is equal on all ranks.
            digests: Return values of `prepare` on each rank.
            judge: Function that is called after the inheritance and returns plain JSON data.

        Returns:
            The report of this rank, and the return value of `judge` on each rank.

        Raises:
            ClanError: Members do not match, or the new state of a child is not its parent's. All
                ranks raise it.
            CommunicationError: A rank is missing.
        """
        seconds: dict[str, float] = {}
        own, me = self._own, self._communicator.member_index
        with _timed(seconds, "forms"):
            forms = self._forms(plan, digests)
        inherits, is_copied = not plan.keeps_own(me), plan.is_copied(me)
        before = NO_CHECKSUM
        if is_copied:  # its children become what this member was before
            with _timed(seconds, "checks"):
                before = _checksum(own)
        with _timed(seconds, "transfer"):
            inherited = own.shaped_as(forms[plan.first(me)], self._state) if inherits else own
            if inherits or is_copied or plan.means:
                self._move(plan, own, inherited, forms)
        after = before

        def finish() -> list[Any]:
            nonlocal after
            if inherits:
                with _timed(seconds, "takeover"):
                    take_over(self._state, self._registered, inherited)
                with _timed(seconds, "checks"):
                    after = _checksum(inherited_state(self._state, self._registered))
            return [before.total, after.total, judge()]

        answers = self._communicator.together(WHERE, finish)
        totals = [(total, now) for total, now, _ in answers]
        require_inherited(plan, self._communicator, totals, before, after)
        moved = sum(tensor.nbytes for tensor in inherited.tensors.values()) if inherits else 0
        checksum_now = after.total if inherits or is_copied else None
        return Report(moved, seconds, checksum_now), [value for _, _, value in answers]

    def _forms(self, plan: Plan, digests: Sequence[str]) -> list[Mapping[str, Form]]:
        """Return the form of each member's state, on the rank with the place of this rank."""
        communicator = self._communicator
        if problem := plan.problem(communicator.num_members):
            raise problem
        if len({*digests}) == 1:
            return [self._own.forms] * communicator.num_members
        texts = communicator.gather("comparing what members inherit", self._own.text)
        forms = [json.loads(text) for text in texts]
        require_matching(plan, forms, communicator.ranks_per_member)
        return forms[
            communicator.rank % communicator.ranks_per_member :: communicator.ranks_per_member
        ]

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


def _checksum(state: InheritedState) -> Checksum:
    named = {outline.name: tensor for outline, tensor in state.tensors.items()}
    return checksum(named, state.digest)


@contextlib.contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[part] = seconds.get(part, 0.0) + time.perf_counter() - began
