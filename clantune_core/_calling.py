"""Seating strategies and calling their hooks: the only place where a hook is called.

pluggy registers, validates and orders. The fold is ours, because pluggy hands every
implementation the same arguments and never passes a result on.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs
import pluggy

from clantune_core import hookspecs
from clantune_core.context import Context
from clantune_core.errors import StrategyError, shown

if TYPE_CHECKING:
    from clantune_core._allele import AbstractAllele
    from clantune_core.strategies import AbstractStrategy

F = TypeVar("F", bound=Callable[..., Any])

HOOKS: Mapping[str, str] = {
    "handle_setup": hookspecs.FOLD,
    "select_ancestry": hookspecs.FIRST_ANSWER,
    "handle_crossbreeding": hookspecs.FIRST_ANSWER,
    "handle_mutating": hookspecs.FOLD,
}
"""The hooks in the order of a generation, and how each is called."""


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


@attrs.frozen
class Implementation:
    """One strategy's method for one hook."""

    strategy: str
    function: Callable[..., Any]
    wants: tuple[str, ...]


def implemented_hooks(strategy: type[AbstractStrategy]) -> tuple[str, ...]:
    """Return the hooks that a class implements, in the order of a generation."""
    return tuple(hook for hook in HOOKS if _is_implemented(strategy, hook))


def _is_implemented(strategy: type, hook: str) -> bool:
    method = getattr(strategy, hook, None)
    return method is not None and not getattr(method, "clantune_default", False)


def default(method: F) -> F:
    """Mark a base class's method that stands for "not implemented"."""
    cast("Any", method).clantune_default = True
    return method


class _Seat:
    """What pluggy sees of a strategy: its hooks, and an identity.

    Equal strategies are one to pluggy, and registering one evaluates its properties; a seat is
    compared by identity and has nothing but hooks.
    """

    def __init__(self, strategy: AbstractStrategy, name: str) -> None:
        for attribute in dir(type(strategy)):
            method = inspect.getattr_static(type(strategy), attribute)
            marked = getattr(method, "clantune_impl", None)
            named = attribute in HOOKS and _is_implemented(type(strategy), attribute)
            if marked is not None or named:
                setattr(self, attribute, getattr(strategy, attribute))
            elif callable(method) and _looks_like_a_hook(attribute):  # a field may be called so
                _refuse_hook(name, attribute)


def _looks_like_a_hook(name: str) -> bool:
    return name.startswith(("handle_", "select_")) and name not in HOOKS


class _Manager(pluggy.PluginManager):
    """A method with the name of a hook implements it; the marker is for those with options."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        marked = super().parse_hookimpl_opts(plugin, name)
        if marked is None and name in HOOKS:
            return pluggy.HookimplOpts(
                wrapper=False,
                hookwrapper=False,
                optionalhook=False,
                tryfirst=False,
                trylast=False,
                specname=None,
            )
        return marked


class Calls:
    """The hooks of a list of strategies, ready to be called."""

    def __init__(
        self, strategies: Sequence[AbstractStrategy], observer: Observer | None = None
    ) -> None:
        self.observer = observer
        manager = _Manager("clantune")
        manager.add_hookspecs(hookspecs)
        for index, strategy in enumerate(strategies):
            name = f"{index}:{type(strategy).__name__}"
            _register(manager, _Seat(strategy, name), name)
        self.implementations = {hook: _implementations(manager, hook) for hook in HOOKS}

    def wants(self, argument: str) -> bool:
        """Whether any strategy takes this argument in any hook."""
        return any(argument in i.wants for found in self.implementations.values() for i in found)

    def fold(
        self, hook: str, name: str, allele: AbstractAllele, arguments: dict[str, Any]
    ) -> AbstractAllele:
        """Pass an allele, as the argument called `name`, through every strategy in order."""
        for implementation in self.implementations[hook]:
            arguments[name] = allele
            after = self._call(hook, implementation, arguments)
            if type(after) is not type(allele):
                _refuse_answer(hook, implementation.strategy, allele, after)
            if self.observer:
                self._observe(hook, implementation, arguments, allele, after)
            allele = after
        return allele

    def first(
        self, hook: str, before: AbstractAllele | None, arguments: dict[str, Any]
    ) -> tuple[Any, str]:
        """Return the first answer that is not None, and whose it is; `(None, "")` without one."""
        for implementation in self.implementations[hook]:
            after = self._call(hook, implementation, arguments)
            if self.observer:
                self._observe(hook, implementation, arguments, before, after)
            if after is not None:
                if before is not None and type(after) is not type(before):
                    _refuse_answer(hook, implementation.strategy, before, after)
                return after, implementation.strategy
        return None, ""

    def _call(self, hook: str, step: Implementation, arguments: dict[str, Any]) -> Any:
        try:
            return step.function(*[arguments[name] for name in step.wants])
        except Exception as error:
            error.add_note(f"in {hook} of strategy {step.strategy!r}")
            raise

    def _observe(
        self,
        hook: str,
        step: Implementation,
        arguments: dict[str, Any],
        before: AbstractAllele | None,
        after: object,
    ) -> None:
        if self.observer is not None:
            self.observer(Step(hook, step.strategy, arguments["context"], before, after))


def _register(manager: pluggy.PluginManager, seat: _Seat, name: str) -> None:
    try:
        manager.register(seat, name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        for hook, method in vars(seat).items():
            if hook not in HOOKS:
                _refuse_hook(name, hook, marked=True)
            offered = pluggy_arguments(hook)
            for argument in inspect.signature(method).parameters:
                if argument not in offered:
                    raise StrategyError(
                        f"{hook} of strategy {name!r} takes {argument!r}, which this hook does "
                        f"not offer; it offers {', '.join(offered)}",
                        strategy=name,
                        hook=hook,
                    ) from None
        raise StrategyError(
            f"strategy {name!r} cannot be seated: {error}", strategy=name
        ) from error


def _implementations(manager: pluggy.PluginManager, hook: str) -> tuple[Implementation, ...]:
    # pluggy would call the last one first, and turns the list around once more for `trylast`.
    found = sorted(getattr(manager.hook, hook).get_hookimpls(), key=_turn)
    steps = []
    for impl in found:
        if impl.wrapper or impl.hookwrapper:
            raise StrategyError(
                f"{hook} of strategy {impl.plugin_name!r} is a pluggy wrapper; hold the other "
                "strategy in yours instead, as in TopN(2, Tournament())",
                strategy=impl.plugin_name,
                hook=hook,
            )
        for argument in inspect.signature(impl.function).parameters:
            if argument in pluggy_arguments(hook) and argument not in impl.argnames:
                raise StrategyError(
                    f"{hook} of strategy {impl.plugin_name!r} takes {argument!r} with a default "
                    "or by keyword only, and so would never be given it; write the plain name, as "
                    "in def handle_mutating(self, allele, rng)",
                    strategy=impl.plugin_name,
                    hook=hook,
                )
        steps.append(Implementation(impl.plugin_name, impl.function, impl.argnames))
    return tuple(steps)


def _turn(impl: pluggy.HookImpl) -> tuple[int, int]:
    """Return the key that puts first ones first and last ones last, each in the user's order."""
    return impl.trylast - impl.tryfirst, int(impl.plugin_name.partition(":")[0])


def pluggy_arguments(hook: str) -> tuple[str, ...]:
    """Return the arguments that a hook offers, in the order of its specification."""
    return tuple(inspect.signature(getattr(hookspecs, hook)).parameters)


def _refuse_hook(strategy: str, name: str, *, marked: bool = False) -> None:
    near = difflib.get_close_matches(name, HOOKS, 1)
    guess = f"did you mean {near[0]}?" if near else f"the hooks are {', '.join(HOOKS)}."
    own = "has no @hookimpl" if marked else "starts with an underscore"
    raise StrategyError(
        f"strategy {strategy!r} defines {name}, which is no hook; {guess} A method of your own "
        f"{own}",
        strategy=strategy,
        hook=name,
    )


def _refuse_answer(hook: str, strategy: str, before: AbstractAllele, after: object) -> None:
    kind = type(before).__name__
    if after is None:
        problem = "returned None; return the allele, unchanged if it is not yours"
    else:
        problem = f"returned {shown(after)} for a {kind}; return an allele of the same kind"
    raise StrategyError(f"{hook} of strategy {strategy!r} {problem}", strategy=strategy, hook=hook)
