"""Installed presets: entry points for functions that bind genes to a model."""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from clantune_core import contracts
from clantune_core.alleles import AbstractAllele
from clantune_core.errors import PluginError, shown
from clantune_core.plugins.reader import Group, Plugin

Preset = Callable[[Any, Any], Mapping[str, AbstractAllele]]
"""Takes a model and an optimizer, and returns alleles by the names of their genes.

A preset for optimizers has an attribute `optimizers`, a tuple of their classes, the most important
one first. `load_preset("auto", optimizer)` picks a preset by it.
"""

PRESETS = Group(
    contracts.PRESETS,
    what="preset",
    form="a function of a model and an optimizer",
    accepts=callable,
    home="clantune-autobind",
)

AUTO = "auto"


def load_preset(name: str, /, optimizer: object = None) -> Preset:
    """Return an installed preset by its name, with options if the text contains them.

    Args:
        name: Name of the entry point, such as `"adamw"`, with or without keyword arguments, as in
            `"adamw(per_group=True)"`; or `"auto"` for the preset that fits the optimizer best.
        optimizer: Optimizer for `"auto"`.

    Raises:
        PluginError: There is no such preset, there are two, or it is switched off or broken; or it
            does not take these options.
    """
    if not isinstance(name, str):
        raise PluginError(f"the name of a preset must be a string; got {shown(name)}")
    called, bracket, rest = name.partition("(")
    called = called.strip()
    preset: Preset = _fitting(optimizer) if called == AUTO else PRESETS.find(called).load()
    if not bracket:
        return preset
    options = _options(rest)
    if options is None or not _takes(preset, options):
        raise PluginError(
            f"preset {called!r} takes keyword arguments with literal values, as in "
            f"{_example(called, preset)}; got {shown(name)}",
            name=called,
        )
    return functools.partial(preset, **options)


def _options(text: str) -> dict[str, Any] | None:
    """Return the keyword arguments of a call, of which `text` is the part after the bracket."""
    try:
        call = ast.parse(f"preset({text}", mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
            return None
        options = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
    except (SyntaxError, ValueError, MemoryError, RecursionError):  # as `literal_eval` raises them
        return None
    return options if len(options) == len(call.keywords) else None  # an option is given twice


def _takes(preset: Preset, options: Mapping[str, Any]) -> bool:
    try:
        inspect.signature(preset).bind(None, None, **options)
    except TypeError:
        return False
    return True


def _example(called: str, preset: Preset) -> str:
    """Return a call of a preset with all its options."""
    signature = inspect.signature(preset)
    both = signature.bind_partial(None, None).arguments
    given = (
        f"{name}={'...' if each.default is each.empty else repr(each.default)}"
        for name, each in signature.parameters.items()
        if name not in both and each.kind is not each.VAR_KEYWORD
    )
    return f"{called}({', '.join(given)})"


def _fitting(optimizer: object) -> Preset:
    """Return the preset for the class of an optimizer, or for the nearest class above it.

    Raises:
        PluginError: No installed preset fits, or two fit equally well.
    """
    classes = type(optimizer).__mro__
    known = [(plugin, _optimizers(plugin.load())) for plugin in PRESETS.installed()]
    ranked: dict[tuple[int, int], list[Plugin]] = {}
    for plugin, kinds in known:
        places = [(classes.index(kind), n) for n, kind in enumerate(kinds) if kind in classes]
        if places:
            ranked.setdefault(min(places), []).append(plugin)
    kind = type(optimizer).__name__
    if not ranked:
        raise PluginError(
            f"preset 'auto': no installed preset fits {kind}; there are "
            f"{', '.join(plugin.name for plugin, kinds in known if kinds) or 'none'}. Add its "
            'genes by name, clan.add_gene("lr"), or write a preset: a function of model and '
            "optimizer that returns alleles by name",
            name=AUTO,
        )
    best = ranked[min(ranked)]
    if len(best) > 1:
        raise PluginError(
            f"preset 'auto': {' and '.join(map(str, best))} fit {kind} equally well; name one of "
            "them",
            name=AUTO,
        )
    preset: Preset = best[0].load()
    return preset


def _optimizers(preset: Preset) -> tuple[type, ...]:
    return tuple(getattr(preset, "optimizers", ()))
