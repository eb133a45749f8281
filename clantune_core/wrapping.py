"""Calling the hooks of a strategy inside another one, as in `TopN(2, Tournament())`."""

from __future__ import annotations

from typing import Any

from clantune_core.errors import StrategyError
from clantune_core.hooks.dispatch import caller
from clantune_core.hooks.implementations import HOOKS, implementation, is_implemented
from clantune_core.hookspecs import FOLD
from clantune_core.strategies import AbstractStrategy, require_strategy


def call_hook(strategy: AbstractStrategy, hook: str, **offered: Any) -> Any:
    """Call a hook of a strategy inside another one.

    Args:
        strategy: The inner strategy.
        hook: Name of the hook.
        **offered: The arguments of the hook; the strategy receives those that it names.

    Returns:
        The result of the hook. If the strategy does not implement it: the unchanged allele for a
        fold, None for a first answer.

    Raises:
        StrategyError: There is no such hook, an argument is missing, or this is not a strategy.
    """
    if not _implements(strategy, hook):
        return offered.get("allele") if HOOKS[hook] == FOLD else None
    inner = implementation(strategy, hook, type(strategy).__name__)
    for argument in inner.wants:
        if argument not in offered:
            raise StrategyError(
                f"{hook} of strategy {inner.strategy!r} takes {argument!r}, which was not passed; "
                "take it in your own hook and pass it on",
                strategy=inner.strategy,
                hook=hook,
            )
    name = "allele" if HOOKS[hook] == FOLD else "my_allele"
    before = offered.get(name)
    answer, whose = caller([inner], hook, name if name in offered else "", offered)(before)
    return answer if whose or HOOKS[hook] == FOLD else None


def hook_takes(strategy: AbstractStrategy, hook: str, argument: str) -> bool:
    """Whether a hook of a strategy inside another one takes an argument.

    Args:
        strategy: The inner strategy.
        hook: Name of the hook.
        argument: Name of an argument of the hook.

    Raises:
        StrategyError: There is no such hook, or this is not a strategy.
    """
    if not _implements(strategy, hook):
        return False
    inner = implementation(strategy, hook, type(strategy).__name__)
    return inner.takes_all or argument in inner.wants


def _implements(strategy: AbstractStrategy, hook: str) -> bool:
    if hook not in HOOKS:
        raise StrategyError(f"there is no hook {hook!r}; the hooks are {', '.join(HOOKS)}")
    if is_implemented(type(strategy), hook):
        return True
    require_strategy(strategy, "the inner strategy")
    return False
