"""Inheritance as a whole: agree on the plan, move, take over, and check."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.inheritance.checking import checksum_of_all, require_inherited
from clantune_clan.inheritance.checksum import NO_CHECKSUM
from clantune_clan.inheritance.form import Form
from clantune_clan.inheritance.heritage import Heritage, heritage_of, homes_of, take_over
from clantune_clan.inheritance.matching import require_matching
from clantune_clan.inheritance.plan import Plan, require_one_plan
from clantune_clan.inheritance.route import Route
from clantune_clan.member.state import State

WHERE = "inheriting"


@attrs.frozen
class Report:
    """What an inheritance has done on this rank.

    Attributes:
        bytes_moved: Bytes that this rank has received.
        seconds: How long each part took: `"forms"`, `"transfer"`, `"takeover"`, `"checks"`.
        checksum: Of all that this rank holds afterwards: equal for a child and the parent that it
            copies, and for children of the same parents. None if it neither gave nor received.
    """

    bytes_moved: int
    seconds: Mapping[str, float]
    checksum: int | None


class Inheritance:
    """Moves weights, buffers and optimizer state from parents to children, between two rounds.

    What travels: all parameters and buffers, also those that are frozen or not saved; the state of
    the optimizer with its step counters; the running average; and what was registered. What does
    not: the optimizer's hyperparameters, which stay the child's own.
    """

    def __init__(
        self,
        state: State,
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
            ClanError: The ranks hold different plans, members do not match, or what a child holds
                afterwards is not its parent's. It is raised on all ranks.
            CommunicationError: A rank is missing.
        """
        seconds: dict[str, float] = {}
        with _timed(seconds, "forms"):
            own, forms = self._agree(plan)
        route = Route(plan, self._communicator)
        before = None
        if route.is_copied_first:  # what only gives stays as it is: once will do
            with _timed(seconds, "checks"):
                before = checksum_of_all(own)
        with _timed(seconds, "transfer"):
            fitted = own.fitted(forms[route.first], homes_of(self._state))
            moved = route.travel(own, fitted)
        held, problem = own, None
        if route.receives:
            with _timed(seconds, "takeover"):
                held, problem = self._take_over(fitted, own)
        with _timed(seconds, "checks"):
            after = checksum_of_all(held) if route.takes_part else NO_CHECKSUM
            names = [leaf.name for leaf in held.leaves]
            require_inherited(plan, self._communicator, names, before or after, after, problem)
        return Report(moved, seconds, after.total if route.takes_part else None)

    def _agree(self, plan: Plan) -> tuple[Heritage, list[Mapping[str, Form]]]:
        """Return what this rank holds, and the forms of what every rank holds."""
        communicator = self._communicator
        problem: ClanError | None = plan.problem(communicator.num_members)
        own = Heritage({}, (), {})
        try:
            own = heritage_of(self._state, self._registered)
        except ClanError as error:
            problem = problem or error
        told = communicator.gather(WHERE, [plan.as_data(), own.digest], problem=problem)
        require_one_plan([data for data, _ in told])
        if len({digest for _, digest in told}) == 1:
            return own, [own.forms] * len(told)
        forms = [json.loads(text) for text in communicator.gather(WHERE, own.text)]
        require_matching(plan, forms, communicator.ranks_per_member)
        return own, forms

    def _take_over(self, fitted: Heritage, own: Heritage) -> tuple[Heritage, ClanError | None]:
        """Make what was received the state; return what is there now, and what went wrong."""
        try:
            take_over(self._state, self._registered, fitted)
            return heritage_of(self._state, self._registered), None
        except ClanError as error:
            return own, error


@contextlib.contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[part] = seconds.get(part, 0.0) + time.perf_counter() - began
