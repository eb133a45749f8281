"""What is installed: entry points that map a name to a class. Nothing is imported to list them."""

from __future__ import annotations

import functools
import inspect
import os
import re
import sys
from typing import TYPE_CHECKING, Any

import attrs

from clantune_core._allele import AbstractAllele
from clantune_core._seating import implemented_hooks
from clantune_core.alleles import registered_kinds
from clantune_core.errors import PluginError, StrategyError, did_you_mean, shown
from clantune_core.strategies import AbstractStrategy

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

STRATEGIES_GROUP = "clantune.strategies"
ALLELES_GROUP = "clantune.alleles"
DISABLE = "CLANTUNE_DISABLE_PLUGINS"
"""Environment variable: distributions that are switched off, with commas or spaces between."""

_WHAT = {STRATEGIES_GROUP: "strategy", ALLELES_GROUP: "kind of allele"}


@attrs.frozen
class InstalledStrategy:
    """A strategy that some distribution offers.

    Attributes:
        name: What `load_strategy` takes, and the tag in saved data.
        distribution: The pip package that it comes with.
        version: Version of that package.
    """

    name: str
    distribution: str
    version: str
    _entry: EntryPoint = attrs.field(eq=False, repr=False)

    @property
    def hooks(self) -> tuple[str, ...]:
        """The hooks that it implements. This imports its package."""
        return implemented_hooks(self.load())

    def load(self) -> type[AbstractStrategy]:
        """Import its package and return the class.

        Raises:
            PluginError: The package cannot be imported, or this is no strategy.
        """
        loaded = _import(self._entry, STRATEGIES_GROUP)
        if isinstance(loaded, type) and issubclass(loaded, AbstractStrategy):
            return loaded
        raise PluginError(
            f"strategy {self.name!r} of {self.distribution} is {shown(loaded)}, which does not "
            "derive from AbstractStrategy; the package's entry point is wrong",
            name=self.name,
        )


def strategies() -> tuple[InstalledStrategy, ...]:
    """Return what is installed and not switched off, sorted by name. Imports no plugin."""
    return tuple(
        InstalledStrategy(entry.name, _distribution(entry), _version(entry), entry)
        for entry in _entries(STRATEGIES_GROUP)
        if not _is_disabled(entry)
    )


def load_strategy(name: str, /, **parameters: Any) -> AbstractStrategy:
    """Make an installed strategy by its name.

    Args:
        name: As `strategies()` lists it.
        **parameters: What its class takes.

    Raises:
        PluginError: There is no such strategy, there are two, or it is switched off or broken.
        StrategyError: It does not take these parameters.
    """
    _require_name(name)
    kind = strategy_class(name)
    signature = inspect.signature(kind).replace(return_annotation=inspect.Signature.empty)
    try:
        signature.bind(**parameters)
    except TypeError as error:
        raise StrategyError(
            f"strategy {name!r} is made as {kind.__name__}{signature}: {error}", strategy=name
        ) from None
    try:
        return kind(**parameters)
    except Exception as error:
        error.add_note(f"in the parameters of strategy {name!r}")
        raise


def _require_name(name: object) -> None:
    if not isinstance(name, str):
        raise PluginError(f"a strategy is loaded by its name, a text; got {shown(name)}")


def strategy_class(name: str) -> type[AbstractStrategy]:
    """Return the class of an installed strategy. Raises `PluginError` as `load_strategy` does."""
    return _strategy_class(name, _surroundings())


@functools.lru_cache(maxsize=128)  # 2 ms each; it remembers no failure, after which people install
def _strategy_class(name: str, _: Surroundings) -> type[AbstractStrategy]:
    entry = _find(STRATEGIES_GROUP, name)
    return InstalledStrategy(entry.name, _distribution(entry), _version(entry), entry).load()


def strategy_name(kind: type[AbstractStrategy]) -> str:
    """Return the name under which a class is installed.

    Raises:
        StrategyError: It is not: it has no tag to be saved under.
        PluginError: It is, by a distribution that is switched off.
    """
    return _strategy_name(kind, _surroundings())


@functools.lru_cache(maxsize=128)
def _strategy_name(kind: type[AbstractStrategy], _: Surroundings) -> str:
    package = kind.__module__.partition(".")[0]
    # Its own package first: the others are imported only for a class that it does not name.
    entries = sorted(_entries(STRATEGIES_GROUP), key=lambda entry: _package(entry) != package)
    for entry in entries:
        if not _is_disabled(entry) and _leads_to(entry, kind):
            return entry.name
    for entry in entries:  # left are those that are switched off, which nothing may import
        if _module(entry) in sys.modules and _leads_to(entry, kind):
            raise _switched_off(STRATEGIES_GROUP, entry)
    raise StrategyError(
        f"{kind.__name__} cannot be saved, because no installed package gives it a name; in its "
        f'package\'s pyproject.toml write [project.entry-points."{STRATEGIES_GROUP}"] and below it '
        f'my_name = "{kind.__module__}:{kind.__qualname__}", then install the package again',
        strategy=kind.__name__,
    )


def allele_class(tag: str) -> type[AbstractAllele]:
    """Return the kind of allele that saved data calls by this tag.

    Raises:
        PluginError: No such kind is known or installed.
    """
    known = registered_kinds()
    if tag not in known:
        entry = _find(ALLELES_GROUP, tag, also=tuple(known))
        _import(entry, ALLELES_GROUP)
        known = registered_kinds()
        if tag not in known:
            raise PluginError(
                f"{_distribution(entry)} was imported for the kind of allele {tag!r} and did not "
                f"register it; decorate the class with @allele_kind({tag!r})",
                name=tag,
            )
    return known[tag]


def _leads_to(entry: EntryPoint, kind: type) -> bool:
    try:
        return _import(entry, STRATEGIES_GROUP) is kind
    except PluginError:  # a broken neighbour, which nobody asked for
        return False


Surroundings = tuple[str, tuple[str, ...]]


def _surroundings() -> Surroundings:
    """Return what decides which plugins there are, besides what is installed."""
    return os.environ.get(DISABLE, ""), tuple(sys.path)


def _entries(group: str) -> list[EntryPoint]:
    from importlib.metadata import entry_points  # noqa: PLC0415  (28 ms, for those who ask)

    # The order of installation differs from machine to machine; this one does not.
    return sorted(entry_points(group=group), key=lambda e: (e.name, _distribution(e)))


def _find(group: str, name: str, also: tuple[str, ...] = ()) -> EntryPoint:
    what = _WHAT[group]
    named = [entry for entry in _entries(group) if entry.name == name]
    found = [entry for entry in named if not _is_disabled(entry)]
    if len(found) == 1:
        return found[0]
    if found:
        owners = [_distribution(entry) for entry in found]
        raise PluginError(
            f"{what} {name!r} is installed by {len(found)} distributions: {', '.join(owners)}; "
            f"uninstall one of them, or switch it off: {DISABLE}={owners[-1]}",
            name=name,
        )
    if named:
        raise _switched_off(group, named[0])
    names = sorted({*also, *(e.name for e in _entries(group) if not _is_disabled(e))})
    raise PluginError(
        f"no {what} is called {shown(name)}{did_you_mean(name, names)} "
        f"Installed: {', '.join(names) or 'none'}. If a package offers it, pip install that "
        f"package: it is found by its entry point in {group!r}",
        name=name,
    )


def _switched_off(group: str, entry: EntryPoint) -> PluginError:
    return PluginError(
        f"{_WHAT[group]} {entry.name!r} of {_distribution(entry)} is switched off by {DISABLE}="
        f"{os.environ.get(DISABLE)}",
        name=entry.name,
    )


def _import(entry: EntryPoint, group: str) -> object:
    try:
        return entry.load()
    except Exception as error:
        raise PluginError(
            f"{_WHAT[group]} {entry.name!r} of {_distribution(entry)} cannot be imported: "
            f"{type(error).__name__}: {error}; mend or uninstall that package, or switch it off: "
            f"{DISABLE}={_distribution(entry)}",
            name=entry.name,
        ) from error


def _distribution(entry: EntryPoint) -> str:
    return _of_metadata(entry, "Name")


def _version(entry: EntryPoint) -> str:
    return _of_metadata(entry, "Version")


def _of_metadata(entry: EntryPoint, field: str) -> str:
    # A damaged package may lack it, and must not keep others from being found.
    if entry.dist is None or field not in entry.dist.metadata:
        return "unknown"
    return entry.dist.metadata[field]


def _module(entry: EntryPoint) -> str:
    return re.split(r"[:\s]", entry.value.strip(), maxsplit=1)[0]


def _package(entry: EntryPoint) -> str:
    return _module(entry).partition(".")[0]


def _is_disabled(entry: EntryPoint) -> bool:
    names = re.split(r"[,\s]+", os.environ.get(DISABLE, ""))
    return _normal(_distribution(entry)) in map(_normal, names)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
