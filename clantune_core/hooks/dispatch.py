"""Calling hooks. No other module calls one.

The fold is implemented here, because pluggy passes the same arguments to every implementation and
does not pass a result on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Never

import attrs

from clantune_core.context import Context
from clantune_core.errors import StrategyError, shown
from clantune_core.hooks.implementations import HOOKS, Implementation, seat
from clantune_core.hookspecs import FOLD

if TYPE_CHECKING:
    from clantune_core.alleles.base import AbstractAllele
    from clantune_core.strategies import AbstractStrategy


@attrs.frozen
class HookCall:
    """One call of a strategy's hook, as an observer sees it.

    Attributes:
        hook: Name of the hook.
        strategy: Position in the list and class, such as `"1:Gaussian"`.
        context: Where it was called.
        before: The allele that the strategy received; None for `select_ancestry`.
        after: What the strategy returned.
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


Observer = Callable[[HookCall], object]
"""Called after each call of a hook; its result is ignored."""


Caller = Callable[[Any], tuple[Any, str]]
"""Calls one hook: takes the allele, returns the answer and the strategy that gave it."""


class Calls:
    """The hooks of a list of strategies, ready to be called.

    Attributes:
        tell_where: The hooks in which a strategy takes the context.
        show_offspring: Whether a strategy takes the genes that have already mutated.
        share: Whether a strategy takes a stream or a draw that is the same on every rank.
    """

    def __init__(
        self, strategies: Sequence[AbstractStrategy], observer: Observer | None = None
    ) -> None:
        self.strategies = tuple(strategies)
        self.observer = observer
        self.implementations = seat(self.strategies)
        self.tell_where = {
            hook for hook in HOOKS if observer is not None or self.takes("context", hook=hook)
        }
        self.show_offspring = self.takes("offspring_alleles", hook="handle_mutating")
        self.share = any(self.takes("shared_rng", "shared_draw", hook=hook) for hook in HOOKS)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Calls, (self.strategies, self.observer))

    def wants(self, *names: str, hook: str) -> bool:
        """Whether any strategy names one of these arguments in a hook."""
        return any(name in each.wants for each in self.implementations[hook] for name in names)

    def takes(self, *names: str, hook: str) -> bool:
        """Whether any strategy names one of these, or takes all arguments, in a hook."""
        return self.wants(*names, hook=hook) or any(
            each.takes_all for each in self.implementations[hook]
        )

    def caller(self, hook: str, name: str, arguments: dict[str, Any]) -> Caller:
        """Return a function that calls a hook in order; see the function `caller`."""
        return caller(self.implementations[hook], hook, name, arguments, self.observer)

    def fold(
        self, hook: str, name: str, allele: AbstractAllele, arguments: dict[str, Any]
    ) -> AbstractAllele:
        """Pass an allele, as the argument called `name`, through every strategy in order."""
        after: AbstractAllele = self.caller(hook, name, arguments)(allele)[0]
        return after


def caller(  # noqa: C901  (one loop, because a helper would be called for every node and strategy)
    implementations: Sequence[Implementation],
    hook: str,
    name: str,
    arguments: dict[str, Any],
    observer: Observer | None = None,
) -> Caller:
    """Return a function that calls implementations in order.

    Args:
        implementations: The implementations of one hook, in order.
        hook: Name of the hook: a fold calls all of them, a first answer stops at the first one.
        name: Name of the allele among the arguments; empty if there is none.
        arguments: All other arguments of the hook. They may be changed between calls.
        observer: Called after each implementation.

    Returns:
        A function that takes the allele, or None if there is none. It returns the result of the
        fold, or the first answer that is not None, and the name of the strategy that returned it.
        If no strategy answers, it returns the unchanged allele and an empty name.
    """
    folds = HOOKS[hook] == FOLD
    turns = [(each.function, each.pick, each) for each in implementations]

    def call(before: Any) -> tuple[Any, str]:
        for function, pick, each in turns:
            if name:
                arguments[name] = before
            try:
                after = function(*pick(arguments))
            except Exception as error:
                error.add_note(f"in {hook} of strategy {each.strategy!r}")
                raise
            if after is not before and (
                type(after) is not type(before) or after.domain is not before.domain
            ):
                _check(each, hook, before, after)
            if observer:
                observer(HookCall(hook, each.strategy, arguments["context"], before, after))
            if folds:
                before = after
            elif after is not None:
                return after, each.strategy
        return before, ""

    return call


def _check(of: Implementation, hook: str, before: AbstractAllele | None, after: Any) -> None:
    """Raise a `StrategyError` if this is not an answer to the hook."""
    if after is None:
        if HOOKS[hook] == FOLD:
            _refuse(of, hook, "returned None; return the allele, unchanged if it is not yours")
    elif before is not None and type(after) is not type(before):
        kind = type(before).__name__
        problem = f"returned {shown(after)} for a {kind}; return an allele of the same kind"
        _refuse(of, hook, problem)
    elif before is not None and after.domain is not before.domain != after.domain:
        problem = (
            f"returned an allele with the domain {shown(after.domain)} for one with "
            f"{shown(before.domain)}; return allele.with_value(...), which keeps the domain, and "
            "give every genome the same domains"
        )
        _refuse(of, hook, problem)


def _refuse(of: Implementation, hook: str, problem: str) -> Never:
    strategy = of.strategy
    raise StrategyError(f"{hook} of strategy {strategy!r} {problem}", strategy=strategy, hook=hook)
