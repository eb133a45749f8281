"""Configured instances of a class: with its defaults, and simple values where it has none."""

from __future__ import annotations

import functools
import inspect
import itertools
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from hypothesis import strategies as st

from clantune_core.data.fields import read_fields
from clantune_core.errors import ClanTuneError, PluginError
from clantune_core.plugins import STRATEGIES, Plugin
from clantune_core.strategies import AbstractStrategy

ALWAYS = "clantune-strategies"
"""The distribution whose strategies fill a wrapper, beside those of its own distribution."""

_SIMPLE: Mapping[object, Sequence[Any]] = {
    bool: (True, False),
    int: (1, 2, 3),
    float: (0.5, 0.1, 1.0, 2.0),
    type(None): (None,),
}
_MOST = 500
"""Combinations of values that are tried."""


class CannotMake(ClanTuneError):
    """The arguments that a class needs are missing. The message names them."""


def configured(plugin: Plugin) -> st.SearchStrategy[Any]:
    """Return a hypothesis strategy for instances of the class of a plugin.

    A parameter keeps its default. One without a default takes simple values of its type.

    Raises:
        CannotMake: A parameter has another type, or the class accepts none of the values.
    """
    kind = plugin.load()
    needed = required(kind)
    choices = [_choices(name, _type_of(kind, name), plugin) for name in needed]
    accepted, problem = [], ""
    for values in itertools.islice(itertools.product(*choices), _MOST):
        arguments = dict(zip(needed, values, strict=True))
        try:
            kind(**arguments)
        except Exception as error:  # noqa: BLE001  (of a third party; told below)
            problem = f"{type(error).__name__}: {error}"
        else:
            accepted.append(arguments)
    if not accepted:
        raise CannotMake(f"{kind.__name__} accepts none of the tried arguments ({problem})")
    return st.sampled_from(accepted).map(functools.partial(_call, kind))


def made(plugin: Plugin, arguments: Mapping[str, Any]) -> Any:
    """Return an instance of the class of a plugin, with arguments in plain data.

    Raises:
        ClanTuneError: The class does not take these arguments.
    """
    kind = plugin.load()
    try:
        return plugin.make(
            read_fields(kind, arguments, "arguments") if attrs.has(kind) else arguments
        )
    except ClanTuneError:
        raise
    except Exception as error:
        raise ClanTuneError(
            f"{plugin} does not take these arguments: {type(error).__name__}: {error}"
        ) from error


def required(factory: Callable[..., Any]) -> list[str]:
    """Return the names of the parameters without a default."""
    passed_over = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        parameter.name
        for parameter in inspect.signature(factory).parameters.values()
        if parameter.default is parameter.empty and parameter.kind not in passed_over
    ]


def _call(kind: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    return kind(**arguments)


def _type_of(kind: Any, parameter: str) -> Any:
    try:
        hints = typing.get_type_hints(kind if attrs.has(kind) else kind.__init__)
    except NameError as error:
        raise CannotMake(f"{kind.__name__} has a type that cannot be read ({error})") from None
    return {name.lstrip("_"): hint for name, hint in hints.items()}.get(parameter, Any)


def _choices(parameter: str, wanted: Any, plugin: Plugin) -> list[Any]:
    found = [*_values(wanted, plugin)]
    if not found:
        name = getattr(wanted, "__name__", str(wanted))
        raise CannotMake(f"its parameter {parameter!r} of the type {name} has no default")
    return found


def _values(wanted: Any, plugin: Plugin) -> Iterator[Any]:
    """Yield simple values of a type; none if only the author knows what they mean."""
    origin, inner = get_origin(wanted), get_args(wanted)
    if wanted in _SIMPLE:
        yield from _SIMPLE[wanted]
    elif origin is Literal:
        yield from inner
    elif origin in (Union, types.UnionType):
        yield from itertools.chain.from_iterable(_values(each, plugin) for each in inner)
    elif origin in (tuple, list, Sequence):
        single = inner[:1] if origin is not tuple or inner[-1] is ... else inner
        each = [[*_values(entry, plugin)] for entry in single]
        yield from map(list if origin is list else tuple, itertools.product(*each))
    elif isinstance(wanted, type) and issubclass(wanted, AbstractStrategy):
        # Its own package may have none that implements the same hook.
        for distribution in dict.fromkeys((plugin.distribution, ALWAYS)):
            yield from _with_defaults(wanted, distribution)


def _with_defaults(base: type, distribution: str) -> Iterator[AbstractStrategy]:
    """Yield the strategies of a distribution that need no arguments."""
    for plugin in STRATEGIES.installed():
        if not plugin.is_of(distribution):
            continue
        try:
            kind = plugin.load()
        except PluginError:  # it is reported where that strategy is checked
            continue
        if issubclass(kind, base) and not required(kind):
            yield kind()
