"""Calling hooks: the only place where one is called.

The fold is ours, because pluggy hands every implementation the same arguments and never passes a
result on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


Caller = Callable[[Any], tuple[Any, str]]
"""Calls one hook: takes the allele, returns the answer and whose it is (see `caller`)."""


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

    def caller(self, hook: str, name: str, arguments: dict[str, Any]) -> Caller:
        """Return what calls a hook in order; as the function `caller`."""
        return caller(self.implementations[hook], hook, name, arguments, self.observer)

    def fold(
        self, hook: str, name: str, allele: AbstractAllele, arguments: dict[str, Any]
    ) -> AbstractAllele:
        """Pass an allele, as the argument called `name`, through every strategy in order."""
        after: AbstractAllele = self.caller(hook, name, arguments)(allele)[0]
        return after


def caller(  # noqa: C901  (one loop: what it calls would be called for every node and strategy)
    steps: Sequence[Implementation],
    hook: str,
    name: str,
    arguments: dict[str, Any],
    observer: Observer | None = None,
) -> Caller:
    """Return what calls implementations in order.

    Args:
        steps: The implementations.
        hook: Name of the hook: a fold passes through all, a first answer ends the others' turns.
        name: What the allele is called among the arguments; nothing if there is none.
        arguments: All others that the hook offers. They may be changed between calls.
        observer: Told of each strategy's turn.

    Returns:
        A function that takes the allele, or None if there is none. It returns what came out of the
        fold, or the first answer that is not None, and whose that is. Where nobody answers, it
        returns the allele as it was, and no name.
    """
    folds = HOOKS[hook] == FOLD
    turns = [(step.function, step.pick, step) for step in steps]

    def call(before: Any) -> tuple[Any, str]:
        for function, pick, step in turns:
            if name:
                arguments[name] = before
            try:
                after = function(*pick(arguments))
            except Exception as error:
                error.add_note(f"in {hook} of strategy {step.strategy!r}")
                raise
            if after is not before and (
                type(after) is not type(before) or after.domain is not before.domain
            ):
                _check(step, hook, before, after)
            if observer:
                observer(Step(hook, step.strategy, arguments["context"], before, after))
            if folds:
                before = after
            elif after is not None:
                return after, step.strategy
        return before, ""

    return call


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
    if not _implements(strategy, hook):
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
    name = "allele" if HOOKS[hook] == FOLD else "my_allele"
    before = offered.get(name)
    answer, whose = caller([step], hook, name if name in offered else "", offered)(before)
    return answer if whose or HOOKS[hook] == FOLD else None


def takes(strategy: AbstractStrategy, hook: str, argument: str) -> bool:
    """Whether a strategy that another one holds is given an argument, if that is there to give.

    Args:
        strategy: The strategy inside.
        hook: Name of the hook.
        argument: Name of an argument of the hook.

    Raises:
        StrategyError: There is no such hook, or this is no strategy.
    """
    if not _implements(strategy, hook):
        return False
    step = implementation(strategy, hook, type(strategy).__name__)
    return step.takes_all or argument in step.wants


def _implements(strategy: AbstractStrategy, hook: str) -> bool:
    if hook not in HOOKS:
        raise StrategyError(f"there is no hook {hook!r}; the hooks are {', '.join(HOOKS)}")
    if is_implemented(type(strategy), hook):
        return True
    require_strategy(strategy, "what is asked")
    return False


def _check(step: Implementation, hook: str, before: AbstractAllele | None, after: Any) -> None:
    """Raise a `StrategyError` if this is no answer to the hook."""
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


def _refuse(step: Implementation, hook: str, problem: str) -> Never:
    strategy = step.strategy
    raise StrategyError(f"{hook} of strategy {strategy!r} {problem}", strategy=strategy, hook=hook)
