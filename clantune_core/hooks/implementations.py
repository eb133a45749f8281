"""The implementations of hooks: the methods of strategies, their arguments and their order.

pluggy registers, validates and orders them. A mistake in the code of a strategy is an error here,
before the first generation.
"""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Never, TypeVar, cast

import attrs
import pluggy

from clantune_core import hookspecs
from clantune_core.errors import StrategyError
from clantune_core.hookspecs import FIRST_ANSWER, FOLD

if TYPE_CHECKING:
    from clantune_core.strategies import AbstractStrategy

F = TypeVar("F", bound=Callable[..., Any])

HOOKS: Mapping[str, str] = {
    hook: FIRST_ANSWER if getattr(hookspecs, hook).clantune_spec["firstresult"] else FOLD
    for hook in ("handle_setup", "select_ancestry", "handle_crossbreeding", "handle_mutating")
}
"""The hooks in the order of a generation, and how each is called."""


@attrs.frozen
class Implementation:
    """One strategy's method for one hook.

    Attributes:
        strategy: Position in the list and class, such as `"1:Gaussian"`.
        function: Calls the method with the result of `pick`.
        wants: The arguments that the method names.
        takes_all: Whether the method also takes all other arguments, as `**offered`.
        pick: Returns the arguments that the method names, in order, from those offered.
    """

    strategy: str
    function: Callable[..., Any]
    wants: tuple[str, ...]
    takes_all: bool
    pick: Callable[[Mapping[str, Any]], tuple[Any, ...]]


def default(method: F) -> F:
    """Mark a base class's method that stands for "not implemented"."""
    cast("Any", method).clantune_default = True
    return method


def implemented_hooks(strategy: type[AbstractStrategy]) -> tuple[str, ...]:
    """Return the hooks that a class implements, in the order of a generation."""
    return tuple(hook for hook in HOOKS if is_implemented(strategy, hook))


def is_implemented(strategy: type, hook: str) -> bool:
    """Whether a class has a method of its own for a hook."""
    method = getattr(strategy, hook, None)
    return method is not None and not getattr(method, "clantune_default", False)


@functools.cache
def offered_arguments(hook: str) -> tuple[str, ...]:
    """Return the arguments that a hook offers, in the order of its specification."""
    return tuple(inspect.signature(getattr(hookspecs, hook)).parameters)


def implementation(strategy: AbstractStrategy, hook: str, name: str) -> Implementation:
    """Return a strategy's method for a hook.

    Raises:
        StrategyError: It takes an argument that the hook does not offer, or that would never be
            passed.
    """
    wants, takes_all = _arguments(type(strategy), hook, name)
    method, pick = getattr(strategy, hook), _picker(wants)
    if not takes_all:
        return Implementation(name, method, wants, takes_all, pick)

    def function(offered: Mapping[str, Any]) -> Any:
        rest = {name: value for name, value in offered.items() if name not in wants}
        return method(*pick(offered), **rest)

    return Implementation(name, function, wants, takes_all, lambda offered: (offered,))


def _picker(wants: tuple[str, ...]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    # Without a loop, because it is called for every node and strategy.
    if len(wants) == 1:
        (name,) = wants
        return lambda offered: (offered[name],)
    return itemgetter(*wants) if wants else lambda _: ()


def seat(strategies: Sequence[AbstractStrategy]) -> dict[str, tuple[Implementation, ...]]:
    """Return the methods of a list of strategies by hook, in the order in which they are called.

    Raises:
        StrategyError: A strategy implements no hook, or one with wrong arguments or as a wrapper.
    """
    manager = _Manager("clantune")
    manager.add_hookspecs(hookspecs)
    listed = {f"{i}:{type(strategy).__name__}": strategy for i, strategy in enumerate(strategies)}
    found: dict[str, list[Implementation]] = {hook: [] for hook in HOOKS}
    for name, strategy in listed.items():
        hooks = implemented_hooks(type(strategy))
        if not hooks:
            raise StrategyError(
                f"strategy {name!r} implements no hook, so it would do nothing; the hooks are "
                f"{', '.join(HOOKS)}",
                strategy=name,
            )
        for hook in hooks:
            found[hook].append(implementation(strategy, hook, name))
        manager.register(_Seat(strategy), name)
    manager.check_pending()
    turns = {hook: _turns(manager, hook) for hook in HOOKS}
    return {
        hook: tuple(sorted(steps, key=lambda step: turns[hook][step.strategy]))
        for hook, steps in found.items()
    }


def refuse_misspelt_hooks(strategy: type) -> None:
    """Raise a `StrategyError` if a class has a method that looks like a hook but is not one."""
    for name in dir(strategy):
        method = inspect.getattr_static(strategy, name)
        if name in HOOKS or not callable(method):  # a field may have such a name
            continue
        if hasattr(method, "clantune_impl"):
            _refuse_hook(strategy, name, "must not have @hookimpl")
        if name.startswith(("handle_", "select_")) or _is_nearly_a_hook(name):
            _refuse_hook(strategy, name, "must start with an underscore")


def _is_nearly_a_hook(name: str) -> bool:
    return not name.startswith("_") and bool(difflib.get_close_matches(name, HOOKS, 1, 0.85))


class _Seat:
    """The object that pluggy registers for a strategy, with the hooks of the strategy only.

    pluggy rejects an object that equals a registered one, and reads all properties. A seat is
    compared by identity and has no properties.
    """

    def __init__(self, strategy: AbstractStrategy) -> None:
        for hook in implemented_hooks(type(strategy)):
            setattr(self, hook, getattr(strategy, hook))


class _Manager(pluggy.PluginManager):
    """A method with the name of a hook implements it. Only options need the marker."""

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


def _turns(manager: pluggy.PluginManager, hook: str) -> dict[str, int]:
    """Return the sort key of each strategy: -1 with `tryfirst`, 1 with `trylast`, else 0."""
    turns = {}
    for impl in getattr(manager.hook, hook).get_hookimpls():
        if impl.wrapper or impl.hookwrapper:
            raise StrategyError(
                f"{hook} of strategy {impl.plugin_name!r} is a pluggy wrapper; make the other "
                "strategy a parameter of yours instead, as in TopN(2, Tournament())",
                strategy=impl.plugin_name,
                hook=hook,
            )
        turns[impl.plugin_name] = impl.trylast - impl.tryfirst
    return turns


@functools.cache
def _arguments(kind: type[AbstractStrategy], hook: str, name: str) -> tuple[tuple[str, ...], bool]:
    offered = offered_arguments(hook)
    method = inspect.getattr_static(kind, hook)
    parameters = [*inspect.signature(getattr(kind, hook)).parameters.values()]
    if not isinstance(method, staticmethod | classmethod):
        parameters = parameters[1:]  # self
    wants = [p for p in parameters if p.kind is not p.VAR_KEYWORD]
    for parameter in wants:
        if parameter.name not in offered:
            problem = (
                f"{parameter.name!r}, which this hook does not offer; it offers "
                f"{', '.join(offered)}"
            )
        elif parameter.kind is parameter.KEYWORD_ONLY or parameter.default is not parameter.empty:
            problem = (
                f"{parameter.name!r} with a default or by keyword only, so it would never receive "
                "it; write the plain name, as in def handle_mutating(self, allele, rng)"
            )
        else:
            continue
        raise StrategyError(
            f"{hook} of strategy {name!r} takes {problem}", strategy=name, hook=hook
        )
    return tuple(parameter.name for parameter in wants), len(wants) < len(parameters)


def _refuse_hook(strategy: type, name: str, rule: str) -> Never:
    near = difflib.get_close_matches(name, HOOKS, 1)
    guess = f"did you mean {near[0]}?" if near else f"the hooks are {', '.join(HOOKS)}."
    raise StrategyError(
        f"strategy {strategy.__name__!r} defines {name}, which is not a hook; {guess} A method "
        f"that is not a hook {rule}",
        strategy=strategy.__name__,
        hook=name,
    )
