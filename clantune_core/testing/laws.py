"""What a law is, and how it is tried on cases that hypothesis draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import attrs
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

C = TypeVar("C")


class LawBroken(AssertionError):
    """A strategy or kind breaks a law. The message contains its sentence and what happened."""


Trial = Callable[[Callable[[Any], Any], st.SearchStrategy[Any]], None]
"""Tries a check on cases: raises `LawBroken` if the law does not hold."""

# Large examples are normal here: their size says nothing about the tested class.
_HEALTH = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def in_every_case(check: Callable[[C], object], cases: st.SearchStrategy[C]) -> None:
    """Require that the check passes in every case; hypothesis shrinks a failing one."""
    # Without the phase that explains a failure, which takes longer than all others together.
    phases = [phase for phase in settings().phases if phase is not Phase.explain]

    # Defined at each call, because hypothesis raises an error if several tests run one function.
    @settings(
        deadline=None, suppress_health_check=_HEALTH, phases=phases, report_multiple_bugs=False
    )
    @given(cases)
    def try_it(case: C) -> None:
        check(case)

    try_it()


def in_some_case(check: Callable[[C], object], cases: st.SearchStrategy[C]) -> None:
    """Require that the check returns True in at least one case; the search ends there."""
    drawn = max(200, settings().max_examples)
    few = settings(deadline=None, max_examples=drawn, phases=[Phase.generate], database=None)
    try:
        find(cases, lambda case: bool(check(case)), settings=few)
    except NoSuchExample:
        raise LawBroken(f"it does so in none of {drawn} cases; is a `return` missing?") from None


def in_several_cases(count: int) -> Trial:
    """Return a trial that passes a list of cases to the check at once."""

    def trial(check: Callable[[list[C]], object], cases: st.SearchStrategy[C]) -> None:
        drawn: list[C] = []

        @settings(
            deadline=None,
            suppress_health_check=_HEALTH,
            max_examples=count,
            phases=[Phase.generate],
            database=None,
        )
        @given(cases)
        def collect(case: C) -> None:
            drawn.append(case)

        collect()
        check(drawn)

    return trial


@attrs.frozen
class Rule(Generic[C]):
    """A law before it is applied to a class.

    Attributes:
        name: Name of the law; also the id of its test item.
        sentence: What it requires.
        applies_to: The hooks of strategies, or families of kinds, to which it applies.
        check: Tries it on a case.
        trial: Decides which cases must pass the check.
        on_request: Whether it applies only if a test names it.
    """

    name: str
    sentence: str
    applies_to: frozenset[str]
    check: Callable[[C], object]
    trial: Trial = in_every_case
    on_request: bool = False


class Rules(dict[str, Rule[C]]):
    """Laws by name, in the order in which they are tried."""

    def law(
        self, *applies_to: str, trial: Trial = in_every_case, on_request: bool = False
    ) -> Callable[[Callable[[Any], object]], Callable[[Any], object]]:
        """Add a check as a law: its name is that of the function, its sentence the docstring."""

        def add(check: Callable[[Any], object]) -> Callable[[Any], object]:
            name, sentence = check.__name__, " ".join((check.__doc__ or "").split())
            self[name] = Rule(name, sentence, frozenset(applies_to), check, trial, on_request)
            return check

        return add

    def sentences(self) -> dict[str, str]:
        """Return the sentence of every law by its name."""
        return {name: rule.sentence for name, rule in self.items()}


@attrs.frozen
class Law:
    """A law, applied to a class. Call it to try it.

    Attributes:
        name: Name of the law, such as `"keeps_the_tree_shape"`.
        sentence: What it requires.
    """

    name: str
    sentence: str
    _rule: Rule[Any]
    _cases: st.SearchStrategy[Any]

    @classmethod
    def of(cls, rule: Rule[C], cases: st.SearchStrategy[C]) -> Law:
        """Return a law, applied to cases of a class."""
        return cls(rule.name, rule.sentence, rule, cases)

    def __call__(self) -> None:
        """Try the law. The active profile of hypothesis sets the number of cases.

        Raises:
            LawBroken: The law does not hold. The message contains the smallest case found.
        """
        try:
            self._rule.trial(self._rule.check, self._cases)
        except LawBroken as broken:
            broken.args = (f"{self.sentence}\nBut {broken}",)  # in place: hypothesis's notes stay
            raise

    def on_cases(self, changed: Callable[[Any], Any]) -> Law:
        """Return the law, to be tried on its cases after a change."""
        return attrs.evolve(self, cases=self._cases.map(changed))

    def collect(self, number: int, take: Callable[[list[Any]], object]) -> None:
        """Draw so many of its cases, and hand them over in a list."""
        in_several_cases(number)(take, self._cases)
