"""The plugins that a name on the command line means."""

from __future__ import annotations

from clantune_core.command.groups import COMMANDS
from clantune_core.errors import PluginError, did_you_mean, shown
from clantune_core.plugins import ALLELES, PRESETS, RECIPES, STRATEGIES, Plugin

GROUPS = (STRATEGIES, ALLELES, RECIPES, PRESETS, COMMANDS)


def plugins_of(name: str) -> list[Plugin]:
    """Return the plugins of a distribution, or those that are called by a name.

    Args:
        name: Name of a distribution, such as `"clantune-strategies"`, or of one strategy, kind,
            recipe, preset or command, as `clantune list` shows it.

    Raises:
        PluginError: Nothing has this name, or it is switched off.
    """
    every = [plugin for group in GROUPS for plugin in group.every()]
    named = [plugin for plugin in every if plugin.is_of(name)]
    named = named or [plugin for plugin in every if plugin.name == name]
    found = [plugin for plugin in named if not plugin.is_switched_off]
    if named and not found:
        raise named[0].switched_off()
    if not found:
        raise _unknown(name, every)
    return found


def _unknown(name: str, every: list[Plugin]) -> PluginError:
    if _is_installed(name):
        return PluginError(
            f"{name} is installed, but names no strategy, kind, recipe, preset or command in its "
            "entry points; add them to its pyproject.toml, and install it again",
            name=name,
        )
    known = {each for plugin in every for each in (plugin.distribution, plugin.name)}
    return PluginError(
        f"no installed package, strategy, kind, recipe or preset is called {shown(name)}"
        f"{did_you_mean(name, sorted(known))} `clantune list` shows what is installed",
        name=name,
    )


def _is_installed(distribution: str) -> bool:
    from importlib import metadata  # noqa: PLC0415  (28 ms, which few need)

    try:
        metadata.distribution(distribution)
    except (metadata.PackageNotFoundError, ValueError):  # ValueError for the empty name
        return False
    return True
