"""Checking installed plugins: all laws that apply to each, one after the other."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Sequence

from hypothesis import strategies as st

from clantune_core.contracts import RecipeSettings
from clantune_core.errors import ClanTuneError
from clantune_core.evolution import Evolution
from clantune_core.plugins import ALLELES, PRESETS, RECIPES, STRATEGIES, Plugin
from clantune_core.testing.alleles import alleles
from clantune_core.testing.check_options import Checking
from clantune_core.testing.checking_strategies import Strategies
from clantune_core.testing.configured import CannotMake, made, required
from clantune_core.testing.drawn import on_drawn_cases
from clantune_core.testing.kind_conforms import kind_laws
from clantune_core.testing.verdicts import Verdict, examples, judged


@contextlib.contextmanager
def verdicts_on(plugins: Sequence[Plugin], how: Checking) -> Iterator[Iterator[Verdict]]:
    """Yield an iterator that tries every law on every plugin, to be consumed inside the block.

    Inside the block hypothesis draws as `how` says, and afterwards as before.

    Raises:
        ClanTuneError: The arguments, genes or hooks of `how` do not fit.
    """
    with examples(how.examples, how.seed):
        yield _verdicts(plugins, how)


def _verdicts(plugins: Sequence[Plugin], how: Checking) -> Iterator[Verdict]:
    checks: dict[str, Callable[[Plugin], Iterator[Verdict]]] = {
        STRATEGIES.name: Strategies(plugins, how).check,
        ALLELES.name: lambda plugin: _check_kind(plugin, how),
        RECIPES.name: lambda plugin: _check_recipe(plugin, how),
        PRESETS.name: _check_preset,
    }
    for plugin in plugins:
        loaded = Verdict(plugin, "can_be_loaded", "The package of a plugin can be imported.")
        try:
            plugin.load()
        except ClanTuneError as error:
            yield loaded.broken(error)
            continue
        yield loaded
        try:
            if plugin.group.name in checks:  # of a command it is enough that it loads
                yield from checks[plugin.group.name](plugin)
        except CannotMake as reason:
            yield Verdict(plugin, "", "", "not checked", str(reason))


def _check_kind(plugin: Plugin, how: Checking) -> Iterator[Verdict]:
    """Try every law for kinds."""
    if how.arguments is None:
        try:
            instances = alleles(plugin.load())
        except ClanTuneError as error:
            raise CannotMake(str(error)) from error
    else:
        instances = st.just(made(plugin, how.arguments))
    applied = kind_laws(instances)
    for drawn, law in zip(on_drawn_cases(applied, how.examples), applied, strict=True):
        yield judged(plugin, law, drawn=drawn)


def _check_recipe(plugin: Plugin, how: Checking) -> Iterator[Verdict]:
    """Require that a recipe gives strategies, and settings that a clan knows."""
    if how.arguments is None and (needed := required(plugin.load())):
        raise CannotMake(f"its parameter {needed[0]!r} has no default")
    given = Verdict(
        plugin, "gives_an_evolution", "A recipe returns strategies, and settings that a clan knows."
    )
    try:
        recipe = plugin.load()() if how.arguments is None else made(plugin, how.arguments)
        if not isinstance(recipe, Evolution):
            Evolution(recipe)
        RecipeSettings.of(getattr(recipe, "settings", {}))
    except Exception as error:
        if how.arguments is not None:
            raise
        yield given.broken(error)
    else:
        yield given


def _check_preset(plugin: Plugin) -> Iterator[Verdict]:
    """Require that a preset can be called as a clan calls it."""
    called = Verdict(
        plugin,
        "takes_a_model_and_an_optimizer",
        "A preset is called with a model and an optimizer, and with nothing else.",
    )
    try:
        inspect.signature(plugin.load()).bind(None, None)
    except TypeError as error:
        yield called.broken(error)
    else:
        yield called
