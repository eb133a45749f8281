"""Applying the laws for strategies to a class: with pytest, or without."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping

from hypothesis import Phase, find, settings
from hypothesis import strategies as st

from clantune_core.errors import ClanTuneError, StrategyError
from clantune_core.hooks.implementations import implemented_hooks
from clantune_core.strategies import AbstractStrategy
from clantune_core.testing.cases import cases
from clantune_core.testing.generators import Genes
from clantune_core.testing.items import Decorator, as_items, require_known, require_reasons
from clantune_core.testing.laws import Law
from clantune_core.testing.strategy_laws import MAY_PASS, RULES


def all_laws() -> dict[str, str]:
    """Return the sentence of every law for strategies by its name."""
    return RULES.sentences()


def laws(
    strategies: st.SearchStrategy[AbstractStrategy],
    *,
    genes: Genes | None = None,
    also: Collection[str] = (),
    may_pass: Mapping[str, str] | None = None,
) -> list[Law]:
    """Return the laws that apply to strategies of one class, for use without pytest.

    Args:
        strategies: A hypothesis strategy for configured instances, such as `st.builds(MyMutation)`.
        genes: For a strategy that needs certain genes: by name, a hypothesis strategy for the
            alleles. None tries any genes, which most strategies should accept.
        also: Names of laws that apply only on request.
        may_pass: Reasons by hook: `select_ancestry` or `handle_crossbreeding` may return None in
            every case, because the strategy leaves the answer to others.

    Raises:
        ClanTuneError: A name is unknown, or the instances are not strategies.
    """
    kind = _class_of(strategies)
    hooks = implemented_hooks(kind)
    if isinstance(also, str):
        raise ClanTuneError(f"also must be a list of laws: also=[{also!r}]")
    require_known(also, [rule.name for rule in RULES.values() if rule.on_request])
    passing = require_reasons("may_pass", may_pass)
    require_known(passing, [hook for hook in MAY_PASS if hook in hooks], "hook that may pass")
    left_out = {MAY_PASS[hook] for hook in passing}
    tried = cases(strategies.map(functools.partial(_require_class, kind)), genes=genes)
    return [
        Law.of(rule, tried)
        for rule in RULES.values()
        if rule.applies_to & {*hooks} and (not rule.on_request or rule.name in also)
        if rule.name not in left_out
    ]


def conforms(
    strategies: st.SearchStrategy[AbstractStrategy],
    *,
    genes: Genes | None = None,
    expected_failures: Mapping[str, str] | None = None,
    also: Collection[str] = (),
    may_pass: Mapping[str, str] | None = None,
) -> Decorator:
    """Make a test function that takes `law` into one pytest item for each law.

    Args:
        strategies: A hypothesis strategy for configured instances, such as `st.builds(MyMutation)`.
        genes: For a strategy that needs certain genes: by name, a hypothesis strategy for the
            alleles. None tries any genes, which most strategies should accept.
        expected_failures: Reasons by the names of the laws that the strategy breaks by design.
            Each of these laws is tried and must fail.
        also: Names of laws that apply only on request.
        may_pass: Reasons by hook: `select_ancestry` or `handle_crossbreeding` may return None in
            every case, because the strategy leaves the answer to others.

    Raises:
        ClanTuneError: A name is unknown, or the instances are not strategies.
    """
    applied = laws(strategies, genes=genes, also=also, may_pass=may_pass)
    return as_items(applied, expected_failures)


def _class_of(strategies: object) -> type[AbstractStrategy]:
    if not isinstance(strategies, st.SearchStrategy):
        raise ClanTuneError(
            f"conforms takes a hypothesis strategy, such as st.builds(MyMutation) or "
            f"st.just(MyMutation()); got {strategies!r}"
        )
    # Any instance works. Shrinking it would take long.
    first = settings(database=None, max_examples=10, phases=[Phase.generate])
    example = find(strategies, lambda _: True, settings=first)
    if not isinstance(example, AbstractStrategy):
        raise ClanTuneError(
            f"{example!r} is not a strategy: its class does not derive from AbstractStrategy"
        )
    if not implemented_hooks(type(example)):
        raise StrategyError(f"{type(example).__name__} implements no hook, so no law applies to it")
    return type(example)


def _require_class(kind: type[AbstractStrategy], strategy: AbstractStrategy) -> AbstractStrategy:
    if type(strategy) is not kind:
        raise ClanTuneError(
            f"the laws test one class at a time; these strategies are {kind.__name__} and "
            f"{type(strategy).__name__}; write a test for each"
        )
    return strategy
