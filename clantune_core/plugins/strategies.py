"""Installed strategies: entry points that map a name to a class, which is its tag in saved data."""

from __future__ import annotations

import functools
from typing import Any

import attrs

from clantune_core import contracts
from clantune_core.errors import PluginError, StrategyError
from clantune_core.hooks.implementations import implemented_hooks
from clantune_core.plugins.reader import Group, Plugin, Surroundings, surroundings
from clantune_core.strategies import AbstractStrategy


def _is_strategy(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, AbstractStrategy)


STRATEGIES = Group(
    contracts.STRATEGIES,
    what="strategy",
    form="a class that derives from AbstractStrategy",
    accepts=_is_strategy,
    home="clantune-strategies",
)


@attrs.frozen
class InstalledStrategy(Plugin):
    """A strategy of an installed distribution, under the name that `load_strategy` takes."""

    @property
    def hooks(self) -> tuple[str, ...]:
        """The hooks that it implements. This imports its package."""
        return implemented_hooks(self.load())


def strategies() -> tuple[InstalledStrategy, ...]:
    """Return the installed strategies that are not switched off, sorted by name.

    This does not import their packages.
    """
    return tuple(
        InstalledStrategy(*attrs.astuple(plugin, recurse=False))
        for plugin in STRATEGIES.installed()
    )


def load_strategy(name: str, /, **parameters: Any) -> AbstractStrategy:
    """Create an installed strategy by its name.

    Args:
        name: A name from `strategies()`.
        **parameters: Parameters of its class.

    Raises:
        PluginError: There is no such strategy, there are two, or it is switched off or broken.
        StrategyError: It does not take these parameters.
    """
    made: AbstractStrategy = STRATEGIES.find(name).make(parameters)
    return made


def strategy_class(name: str) -> type[AbstractStrategy]:
    """Return the class of an installed strategy. Raises `PluginError` as `load_strategy` does."""
    return _strategy_class(name, surroundings())


@functools.lru_cache(maxsize=128)  # 2 ms each; failures are not cached, as a user may install next
def _strategy_class(name: str, _: Surroundings) -> type[AbstractStrategy]:
    kind: type[AbstractStrategy] = STRATEGIES.find(name).load()
    return kind


def strategy_name(kind: type[AbstractStrategy]) -> str:
    """Return the name under which a class is installed.

    Raises:
        StrategyError: It has no such name, so it cannot be saved.
        PluginError: The distribution that names it is switched off.
    """
    return _strategy_name(kind, surroundings())


@functools.lru_cache(maxsize=128)
def _strategy_name(kind: type[AbstractStrategy], _: Surroundings) -> str:
    package = kind.__module__.partition(".")[0]
    # Its own package first: the others are imported only for a class that it does not name.
    every = sorted(STRATEGIES.every(), key=lambda p: p.module.partition(".")[0] != package)
    for plugin in every:
        if not plugin.is_switched_off and _leads_to(plugin, kind):
            return plugin.name
    for plugin in every:  # switched-off plugins are not imported
        if plugin.is_imported and _leads_to(plugin, kind):
            raise plugin.switched_off()
    raise StrategyError(
        f"{kind.__name__} cannot be saved, because no installed package gives it a name; in its "
        f'package\'s pyproject.toml write [project.entry-points."{STRATEGIES.name}"] and below it '
        f'my_name = "{kind.__module__}:{kind.__qualname__}", then install the package again',
        strategy=kind.__name__,
    )


def _leads_to(plugin: Plugin, kind: type) -> bool:
    try:
        return plugin.load_anything() is kind
    except PluginError:  # another plugin is broken
        return False
