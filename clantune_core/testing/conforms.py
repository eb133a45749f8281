"""Applying the laws to somebody's strategies: with pytest, or without."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from typing import Any

import attrs
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from clantune_core._seating import implemented_hooks
from clantune_core.errors import ClanTuneError, StrategyError, shown
from clantune_core.strategies import AbstractStrategy
from clantune_core.testing import another_process
from clantune_core.testing.cases import Case, cases
from clantune_core.testing.generators import Genes
from clantune_core.testing.laws import EVERY, RULES, LawBroken, Rule

# Bred populations are large examples by nature; their size says nothing about the strategy.
_HEALTH = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def _phases() -> list[Phase]:
    """The active profile's, less the one that explains: it takes longer than all others."""
    return [phase for phase in settings().phases if phase is not Phase.explain]


@attrs.frozen
class Law:
    """A law, applied to somebody's strategies. Call it to try it.

    Attributes:
        name: Name of the law, such as `"keeps_the_tree_shape"`.
        sentence: What it demands.
    """

    name: str
    sentence: str
    _rule: Rule
    _cases: st.SearchStrategy[Case]

    def __call__(self) -> None:
        """Try the law on as many cases as the active hypothesis profile says.

        Raises:
            LawBroken: A strategy breaks it; the smallest case found is in the message.
        """

        # Made anew at each call: one function run by several tests is an error in hypothesis.
        @settings(deadline=None, suppress_health_check=_HEALTH, phases=_phases())
        @given(self._cases)
        def try_it(case: Case) -> None:
            try:
                self._rule.check(case)
            except LawBroken as broken:
                raise LawBroken(f"{self.sentence}\nBut {broken}") from broken.__cause__

        try_it()


@attrs.frozen
class _LawOfProcesses(Law):
    def __call__(self) -> None:
        found: list[Case] = []

        @settings(
            deadline=None,
            suppress_health_check=_HEALTH,
            max_examples=another_process.CASES,
            phases=[Phase.generate],
            database=None,
        )
        @given(self._cases)
        def collect(case: Case) -> None:
            found.append(case)

        collect()
        if difference := another_process.disagreement(found):
            raise LawBroken(f"{self.sentence}\nBut {difference}")


_PROCESSES = Rule(another_process.NAME, another_process.SENTENCE, EVERY, lambda _: None)


def all_laws() -> dict[str, str]:
    """Return the sentence of every law by its name."""
    return {rule.name: rule.sentence for rule in (*RULES.values(), _PROCESSES)}


def laws(
    strategies: st.SearchStrategy[AbstractStrategy],
    *,
    genes: Genes | None = None,
    also: Collection[str] = (),
) -> list[Law]:
    """Return the laws that apply to strategies of one class, for use without pytest.

    Args:
        strategies: A hypothesis strategy for configured instances, as `st.builds` makes.
        genes: By name, what alleles the genes may have that the strategies need; None tries them
            on any genes, and is what most should keep.
        also: Names of laws that apply only to those who ask for them.

    Raises:
        ClanTuneError: There is no such law, or these are no strategies.
    """
    kind = _class_of(strategies)
    hooks = set(implemented_hooks(kind))
    if isinstance(also, str):
        raise ClanTuneError(f"also is a list of laws: also=[{also!r}]")
    _check_names(also, [rule.name for rule in RULES.values() if rule.on_request])
    tried = cases(strategies.map(functools.partial(_require_class, kind)), genes=genes)
    chosen = [
        Law(rule.name, rule.sentence, rule, tried)
        for rule in RULES.values()
        if rule.hooks & hooks and (not rule.on_request or rule.name in also)
    ]
    process = _LawOfProcesses(_PROCESSES.name, _PROCESSES.sentence, _PROCESSES, tried)
    return [*chosen, process]


def conforms(
    strategies: st.SearchStrategy[AbstractStrategy],
    *,
    genes: Genes | None = None,
    expected_failures: Mapping[str, str] | None = None,
    also: Collection[str] = (),
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a test function that takes `law` into one pytest item for each law.

    Args:
        strategies: A hypothesis strategy for configured instances, as `st.builds` makes.
        genes: By name, what alleles the genes may have that the strategies need; None tries them
            on any genes, and is what most should keep.
        expected_failures: Reasons by the names of the laws that the strategy breaks by design.
            Each is tried and must fail.
        also: Names of laws that apply only to those who ask for them.

    Raises:
        ClanTuneError: There is no such law, or these are no strategies.
    """
    import pytest  # noqa: PLC0415  (the laws themselves need hypothesis only)

    expected = expected_failures or {}
    if not isinstance(expected, Mapping):
        raise ClanTuneError(f"expected_failures maps laws to reasons; got {shown(expected)}")
    applied = laws(strategies, genes=genes, also=also)
    _check_names(expected, [law.name for law in applied])
    for name, reason in expected.items():
        if not reason.strip():
            raise ClanTuneError(f"expected failure of {name}: say why")
    each_law = pytest.mark.parametrize(
        "law",
        [
            pytest.param(
                law,
                id=law.name,
                marks=[pytest.mark.xfail(strict=True, raises=LawBroken, reason=expected[law.name])]
                if law.name in expected
                else [],
            )
            for law in applied
        ],
    )

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        made: Callable[..., None] = each_law(_that_tries_the_law(test))
        return made

    return decorate


def _that_tries_the_law(test: Callable[..., None]) -> Callable[..., None]:
    """Return the test, made to fail if it never calls its law: it would prove nothing."""

    @functools.wraps(test)
    def checked(*args: Any, law: Law, **others: Any) -> None:
        tried = _Tried(law.name, law.sentence, law)
        test(*args, law=tried, **others)
        if not tried.calls:
            raise ClanTuneError(f"{test.__name__} does not try its law: write law()")

    return checked


@attrs.define
class _Tried:
    """A law that counts how often it is tried."""

    name: str
    sentence: str
    _law: Law
    calls: int = 0

    def __call__(self) -> None:
        self.calls += 1
        self._law()


def _class_of(strategies: object) -> type[AbstractStrategy]:
    if not isinstance(strategies, st.SearchStrategy):
        raise ClanTuneError(
            f"conforms takes a hypothesis strategy, such as st.builds(MyMutation) or "
            f"st.just(MyMutation()); got {strategies!r}"
        )
    example = find(strategies, lambda _: True, settings=settings(database=None, max_examples=10))
    if not isinstance(example, AbstractStrategy):
        raise ClanTuneError(f"{example!r} is no strategy: it does not derive from AbstractStrategy")
    if not implemented_hooks(type(example)):
        raise StrategyError(f"{type(example).__name__} implements no hook: nothing can be tried")
    return type(example)


def _require_class(kind: type[AbstractStrategy], strategy: AbstractStrategy) -> AbstractStrategy:
    if type(strategy) is not kind:
        raise ClanTuneError(
            f"the laws are for one class at a time; these strategies are {kind.__name__} and "
            f"{type(strategy).__name__}: write a test for each"
        )
    return strategy


def _check_names(given_names: Collection[str], known: Collection[str]) -> None:
    for name in given_names:
        if name not in known:
            raise ClanTuneError(
                f"no law called {name!r} applies here; those that do: {', '.join(known) or 'none'}"
            )
