"""Calling hooks: the only place where one is called.

The fold is ours, because pluggy hands every implementation the same arguments and never passes a
result on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Never

import attrs

from clantune_core._seating import HOOKS, Implementation, implementation, is_implemented, seat
from clantune_core.context import Context
from clantune_core.errors import StrategyError, shown
from clantune_core.hookspecs import FOLD
from clantune_core.strategies import AbstractStrategy, require_strategy

if TYPE_CHECKING:
    from clantune_core._allele import AbstractAllele


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
    """The hooks of a list of strategies, ready to be called.

    Attributes:
        tell_where: The hooks in which anybody asks for the context.
        show_offspring: Whether anybody asks which genes have mutated.
        share: Whether anybody may ask for what is the same on every rank.
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
        self.share = any(self.takes("shared_rng", "shared_once", hook=hook) for hook in HOOKS)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Calls, (self.strategies, self.observer))

    def wants(self, *names: str, hook: str) -> bool:
        """Whether any strategy names one of these arguments in a hook."""
        return any(name in step.wants for step in self.implementations[hook] for name in names)

    def takes(self, *names: str, hook: str) -> bool:
        """Whether any strategy names one of these, or takes whatever is offered, in a hook."""
        return self.wants(*names, hook=hook) or any(
            step.takes_all for step in self.implementations[hook]
        )

    def fold(
        self, hook: str, name: str, allele: AbstractAllele, arguments: dict[str, Any]
    ) -> AbstractAllele:
        """Pass an allele, as the argument called `name`, through every strategy in order."""
        for step in self.implementations[hook]:
            arguments[name] = allele
            after: AbstractAllele = _answer(step, hook, allele, arguments)
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
            after = _answer(step, hook, before, arguments)
            if self.observer:
                context = arguments["context"]
                self.observer(Step(hook, step.strategy, context, before, after))
            if after is not None:
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
        StrategyError: There is no such hook, an argument is missing, or this is no strategy.
    """
    if hook not in HOOKS:
        raise StrategyError(f"there is no hook {hook!r}; the hooks are {', '.join(HOOKS)}")
    if not is_implemented(type(strategy), hook):
        require_strategy(strategy, "what is asked")
        return offered.get("allele") if HOOKS[hook] == FOLD else None
    step = implementation(strategy, hook, type(strategy).__name__)
    for argument in step.wants:
        if argument not in offered:
            raise StrategyError(
                f"{hook} of strategy {step.strategy!r} takes {argument!r}, which it is not given; "
                "take it in your own hook and pass it on",
                strategy=step.strategy,
                hook=hook,
            )
    before = offered.get("allele") if HOOKS[hook] == FOLD else offered.get("my_allele")
    return _answer(step, hook, before, offered)


def _answer(
    step: Implementation, hook: str, before: AbstractAllele | None, arguments: Mapping[str, Any]
) -> Any:
    """Call an implementation: what it raises names it, and what it returns is as it should be."""
    try:
        if step.takes_all:
            after = step.function(*step.pick(arguments), **step.rest(arguments))
        else:  # for every node and strategy: nothing in between
            after = step.function(*step.pick(arguments))
    except Exception as error:
        error.add_note(f"in {hook} of strategy {step.strategy!r}")
        raise
    if after is before:
        return after
    if after is None:
        if HOOKS[hook] == FOLD:
            _refuse(step, hook, "returned None; return the allele, unchanged if it is not yours")
    elif before is not None and type(after) is not type(before):
        kind = type(before).__name__
        problem = f"returned {shown(after)} for a {kind}; return an allele of the same kind"
        _refuse(step, hook, problem)
    elif before is not None and after.domain is not before.domain != after.domain:
        problem = (
            f"returned an allele of domain {shown(after.domain)} for one of "
            f"{shown(before.domain)}; return allele.with_value(...), which keeps everything else, "
            "and give every genome the same domains"
        )
        _refuse(step, hook, problem)
    return after


def _refuse(step: Implementation, hook: str, problem: str) -> Never:
    strategy = step.strategy
    raise StrategyError(f"{hook} of strategy {strategy!r} {problem}", strategy=strategy, hook=hook)
