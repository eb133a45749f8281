"""The reader of entry points. It lists installed plugins without importing them."""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from clantune_core.errors import PluginError, StrategyError, did_you_mean, shown

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

DISABLE = "CLANTUNE_DISABLE_PLUGINS"
"""Environment variable: names of switched-off distributions, separated by commas or spaces."""


@attrs.frozen
class Group:
    """One type of plugin: the entry points of one group.

    Attributes:
        name: Name of the group, such as `"clantune.strategies"`.
        what: The word for such a plugin in messages, such as `"strategy"`.
        form: What an entry point must refer to, in words.
        accepts: Whether an object is of this form.
        home: Distribution of ClanTune with such plugins, or several.
        homes: The distribution of each of ClanTune's own plugins by its name, if they are several.
    """

    name: str
    what: str
    form: str
    accepts: Callable[[Any], bool]
    home: str
    homes: Mapping[str, str] = attrs.field(factory=dict, eq=False)

    def every(self) -> list[Plugin]:
        """Return the installed plugins, switched off or not, sorted by name."""
        from importlib.metadata import entry_points  # noqa: PLC0415  (28 ms, which few need)

        found = (Plugin.of(self, entry) for entry in entry_points(group=self.name))
        # Sorted, because the order of installation differs between machines.
        return sorted(found, key=lambda plugin: (plugin.name, plugin.distribution))

    def installed(self) -> list[Plugin]:
        """Return the installed plugins that are not switched off, sorted by name."""
        return [plugin for plugin in self.every() if not plugin.is_switched_off]

    def find(self, name: str, also: Iterable[str] = ()) -> Plugin:
        """Return the plugin of this name.

        Args:
            name: Name of its entry point.
            also: Names that are known without an entry point, to be suggested.

        Raises:
            PluginError: No distribution offers it, or several do, or it is switched off.
        """
        if not isinstance(name, str):
            raise PluginError(f"the name of a {self.what} must be a string; got {shown(name)}")
        named = [plugin for plugin in self.every() if plugin.name == name]
        found = [plugin for plugin in named if not plugin.is_switched_off]
        if len(found) == 1:
            return found[0]
        if found:
            owners = [plugin.distribution for plugin in found]
            raise PluginError(
                f"{self.what} {name!r} is installed by {len(found)} distributions: "
                f"{', '.join(owners)}; uninstall one of them, or switch it off: "
                f"{DISABLE}={owners[-1]}",
                name=name,
            )
        if named:
            raise named[0].switched_off()
        if home := self.homes.get(name):
            raise PluginError(
                f"{self.what} {name!r} is in {home}, which is not installed: pip install {home}",
                name=name,
            )
        names = [plugin.name for plugin in self.installed()]
        near = did_you_mean(name, [*names, *also, *self.homes])
        raise PluginError(
            f"no {self.what} is called {shown(name)}{near} Installed: "
            f"{', '.join(names) or 'none'}. If a package offers it, pip install that package; "
            f"ClanTune's own are in {self.home}",
            name=name,
        )


@attrs.frozen
class Plugin:
    """An entry point of an installed distribution.

    Attributes:
        name: Name of the entry point.
        distribution: The pip package that contains it.
        version: Version of that package.
        group: The type of plugin.
    """

    name: str
    distribution: str
    version: str
    group: Group = attrs.field(repr=False)
    _entry: EntryPoint = attrs.field(eq=False, repr=False)

    @classmethod
    def of(cls, group: Group, entry: EntryPoint) -> Plugin:
        """Return the plugin of an entry point."""
        known = _metadata(entry)
        name, version = known.get("Name", "unknown"), known.get("Version", "unknown")
        return cls(entry.name, name, version, group, entry)

    @property
    def module(self) -> str:
        """The module that it is loaded from."""
        return re.split(r"[:\s]", self._entry.value.strip(), maxsplit=1)[0]

    @property
    def attribute(self) -> str:
        """Its name in its module."""
        return self._entry.attr

    @property
    def is_imported(self) -> bool:
        """Whether its module is imported already."""
        return self.module in sys.modules

    @property
    def is_switched_off(self) -> bool:
        """Whether the environment switches its distribution off."""
        return any(map(self.is_of, re.split(r"[,\s]+", os.environ.get(DISABLE, ""))))

    def is_of(self, distribution: str) -> bool:
        """Whether it belongs to a distribution, whose name may be spelled in any way of pip."""
        return _normal(self.distribution) == _normal(distribution)

    def load(self) -> Any:
        """Import its package and return the object of the entry point.

        Raises:
            PluginError: The package cannot be imported, or the object has a wrong form.
        """
        found = self.load_anything()
        if self.group.accepts(found):
            return found
        raise PluginError(
            f"{self} is {shown(found)}, which is not {self.group.form}; the package's entry point "
            "is wrong",
            name=self.name,
        )

    def load_anything(self) -> object:
        """Import its package and return the object of the entry point, of any form."""
        try:
            return self._entry.load()
        except Exception as error:
            raise PluginError(
                f"{self} cannot be imported: {type(error).__name__}: {error}; fix or uninstall "
                f"that package, or switch it off: {DISABLE}={self.distribution}",
                name=self.name,
            ) from error

    def make(self, parameters: Mapping[str, Any]) -> Any:
        """Call its class or function with parameters by name, and return the result.

        Raises:
            PluginError: It cannot be loaded.
            StrategyError: It does not take these parameters.
        """
        factory = self.load()
        signature = inspect.signature(factory).replace(return_annotation=inspect.Signature.empty)
        what = f"{self.group.what} {self.name!r}"
        try:
            signature.bind(**parameters)
        except TypeError as error:
            raise StrategyError(
                f"{what} is created as {factory.__name__}{signature}: {error}", strategy=self.name
            ) from None
        try:
            return factory(**parameters)
        except Exception as error:
            error.add_note(f"in the parameters of {what}")
            raise

    def switched_off(self) -> PluginError:
        """Return the error that says that its distribution is switched off."""
        return PluginError(
            f"{self} is switched off by {DISABLE}={os.environ.get(DISABLE)}", name=self.name
        )

    def __str__(self) -> str:
        return f"{self.group.what} {self.name!r} of {self.distribution}"


Surroundings = tuple[str, tuple[str, ...]]


def surroundings() -> Surroundings:
    """Return what the list of plugins depends on, besides the installation: a key for caches."""
    return os.environ.get(DISABLE, ""), tuple(sys.path)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _metadata(entry: EntryPoint) -> Any:
    """Return the metadata of the package of an entry point; none if the package is damaged.

    Its other plugins, and those of other packages, must still be found.
    """
    try:
        return {} if entry.dist is None else entry.dist.metadata
    except FileNotFoundError:  # so says the backport `importlib_metadata` where it is imported
        return {}
