"""Calling hooks: the only place where one is called.

The fold is ours, because pluggy hands every implementation the same arguments and never passes a
result on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from clantune_core._seating import HOOKS, Implementation, implementation, is_implemented, seat
from clantune_core.context import Context
from clantune_core.errors import StrategyError, shown
from clantune_core.hookspecs import FOLD

if TYPE_CHECKING:
    from clantune_core._allele import AbstractAllele
    from clantune_core.strategies import AbstractStrategy


@attrs.frozen
class Step:
    """What an observer is told: one strategy's turn.

    Attributes:
        hook: Name of the hook.
        strategy: Place in the list and class, such as `"1:Gaussian"`.
        context: Where it was called.
        before: The allele that it was given; None for `select_ancestry`.
        after: What it returned.
    """

    hook: str
    strategy: str
    context: Context
    before: AbstractAllele | None
    after: Any

    def __str__(self) -> str:
        place = f" {self.context.place}" if self.context.gene else ""
        if self.before is None:
            return f"{self.hook}{place} [{self.strategy}]: {self.after!r}"
        change = "unchanged" if self.after == self.before else f"{self.before!r} -> {self.after!r}"
        return f"{self.hook}{place} [{self.strategy}]: {change}"


Observer = Callable[[Step], object]
"""Called after each strategy's turn; what it returns is not looked at."""


class Calls:
    """The hooks of a list of strategies, ready to be called."""

    def __init__(
        self, strategies: Sequence[AbstractStrategy], observer: Observer | None = None
    ) -> None:
        self.observer = observer
        self.implementations = seat(strategies)

    def wants(self, argument: str, *hooks: str) -> bool:
        """Whether any strategy takes this argument, in these hooks or in any."""
        return any(
            argument in step.wants or argument in step.rest
            for hook in hooks or HOOKS
            for step in self.implementations[hook]
        )

    def fold(
        self, hook: str, name: str, allele: AbstractAllele, arguments: dict[str, Any]
    ) -> AbstractAllele:
        """Pass an allele, as the argument called `name`, through every strategy in order."""
        for step in self.implementations[hook]:
            arguments[name] = allele
            try:
                after = step.call(arguments)
            except Exception as error:
                error.add_note(f"in {hook} of strategy {step.strategy!r}")
                raise
            if type(after) is not type(allele):
                _refuse_answer(hook, step.strategy, allele, after)
            if self.observer:
                context = arguments["context"]
                self.observer(Step(hook, step.strategy, context, allele, after))
            allele = after
        return allele

    def first(
        self, hook: str, before: AbstractAllele | None, arguments: dict[str, Any]
    ) -> tuple[Any, str]:
        """Return the first answer that is not None, and whose it is; `(None, "")` without one."""
        for step in self.implementations[hook]:
            try:
                after = step.call(arguments)
            except Exception as error:
                error.add_note(f"in {hook} of strategy {step.strategy!r}")
                raise
            if self.observer:
                context = arguments["context"]
                self.observer(Step(hook, step.strategy, context, before, after))
            if after is not None:
                if before is not None and type(after) is not type(before):
                    _refuse_answer(hook, step.strategy, before, after)
                return after, step.strategy
        return None, ""


def ask(strategy: AbstractStrategy, hook: str, **offered: Any) -> Any:
    """Call a hook of a strategy that another one holds: how `TopN(2, Tournament())` is written.

    Args:
        strategy: The strategy inside.
        hook: Name of the hook.
        **offered: The arguments of the hook; the strategy is given those that it names.

    Returns:
        What the hook returns. Of a strategy that does not implement it: the allele as it was for a
        fold, None for a first answer.

    Raises:
        StrategyError: There is no such hook, or an argument is missing.
    """
    name = type(strategy).__name__
    if hook not in HOOKS:
        raise StrategyError(f"there is no hook {hook!r}; the hooks are {', '.join(HOOKS)}")
    if not is_implemented(type(strategy), hook):
        return offered.get("allele") if HOOKS[hook] == FOLD else None
    step = implementation(strategy, hook, name)
    for argument in (*step.wants, *step.rest):
        if argument not in offered:
            raise StrategyError(
                f"{hook} of strategy {name!r} takes {argument!r}, which it is not given; take it "
                "in your own hook and pass it on",
                strategy=name,
                hook=hook,
            )
    return step.call(offered)


def _refuse_answer(hook: str, strategy: str, before: AbstractAllele, after: object) -> None:
    kind = type(before).__name__
    if after is None:
        problem = "returned None; return the allele, unchanged if it is not yours"
    else:
        problem = f"returned {shown(after)} for a {kind}; return an allele of the same kind"
    raise StrategyError(f"{hook} of strategy {strategy!r} {problem}", strategy=strategy, hook=hook)
