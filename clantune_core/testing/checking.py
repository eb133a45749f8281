"""Checking installed plugins: all laws that apply to each, one after the other."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
from hypothesis import strategies as st

from clantune_core.contracts import RecipeSettings
from clantune_core.errors import ClanTuneError
from clantune_core.evolution import Evolution
from clantune_core.hooks.implementations import implemented_hooks
from clantune_core.plugins import ALLELES, PRESETS, RECIPES, STRATEGIES, Plugin, allele_class
from clantune_core.strategies import AbstractStrategy
from clantune_core.testing.alleles import alleles
from clantune_core.testing.another_process import answers_the_same_in_another_process
from clantune_core.testing.cases import Case
from clantune_core.testing.configured import CannotMake, configured, made, required
from clantune_core.testing.conforms import laws
from clantune_core.testing.drawn import DrawnCases, on_drawn_cases
from clantune_core.testing.generators import Genes
from clantune_core.testing.kind_conforms import kind_laws
from clantune_core.testing.verdicts import Verdict, examples, judged

ELSEWHERE = answers_the_same_in_another_process.__name__
CASES_ELSEWHERE = 20


@attrs.frozen(kw_only=True)
class Checking:
    """How plugins are checked.

    Attributes:
        arguments: Arguments for the class of a strategy or a kind, or for the function of a recipe,
            as JSON data; None for its defaults.
        genes: Kinds by the names of genes, for strategies that need certain genes; empty for any.
        may_pass: Hooks that may return None in every case.
        examples: Number of cases that each law is tried on.
        seed: Seed of the cases.
    """

    arguments: Mapping[str, Any] | None = None
    genes: Mapping[str, str] = attrs.field(factory=dict)
    may_pass: Sequence[str] = ()
    examples: int = 25
    seed: int = 0


def check(plugins: Sequence[Plugin], how: Checking) -> Iterator[Verdict]:
    """Try every law on every plugin, and yield what comes of each.

    Raises:
        ClanTuneError: The arguments, genes or hooks of `how` do not fit.
    """
    with examples(how.examples, how.seed):
        checks: dict[str, Callable[[Plugin], Iterator[Verdict]]] = {
            STRATEGIES.name: _Strategies(plugins, how).check,
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


class _Strategies:
    """The laws for strategies, on cases that are drawn once for all strategies."""

    def __init__(self, plugins: Sequence[Plugin], how: Checking) -> None:
        self._how = how
        self._genes = _genes(how.genes)
        self._drawn: DrawnCases | None = None
        self._plugins = [plugin for plugin in plugins if plugin.group is STRATEGIES]
        self._all_alike: bool | None = None

    def check(self, plugin: Plugin) -> Iterator[Verdict]:
        """Try every law on a strategy."""
        instances = self._instances(plugin)
        if self._drawn is None:
            self._drawn = DrawnCases(self._how.examples, genes=self._genes)
        for law in laws(instances, genes=self._genes, may_pass=self._may_pass(plugin)):
            quick = self._drawn.under(law, instances)
            if law.name == ELSEWHERE and self._answer_alike_elsewhere():
                yield Verdict(plugin, law.name, law.sentence)
            else:
                yield judged(plugin, quick, law)

    def _answer_alike_elsewhere(self) -> bool:
        """Whether all strategies together keep the law: to start a process takes longest."""
        if self._all_alike is None:
            try:
                cases = [case for plugin in self._plugins for case in self._some_cases(plugin)]
                answers_the_same_in_another_process(cases)
            except Exception:  # noqa: BLE001  (each strategy is tried by itself, and tells)
                self._all_alike = False
            else:
                self._all_alike = True
        return self._all_alike

    def _some_cases(self, plugin: Plugin) -> list[Case]:
        assert self._drawn is not None  # noqa: S101  (`check` has drawn them)
        try:
            return self._drawn.some(CASES_ELSEWHERE, self._instances(plugin))
        except ClanTuneError:  # it is not checked, or cannot be loaded
            return []

    def _may_pass(self, plugin: Plugin) -> dict[str, str]:
        hooks = implemented_hooks(plugin.load())
        named = [hook for hook in self._how.may_pass if hook in hooks]
        return dict.fromkeys(named, "the command line says so")

    def _instances(self, plugin: Plugin) -> st.SearchStrategy[AbstractStrategy]:
        if self._how.arguments is None:
            return configured(plugin)
        return st.just(made(plugin, self._how.arguments))


def _genes(kinds: Mapping[str, str]) -> Genes | None:
    """Return genes that mutate and crossbreed, as a strategy for certain genes wants them."""
    return {
        name: alleles(allele_class(kind), max_depth=0).map(
            lambda allele: attrs.evolve(allele, can_mutate=True, can_crossbreed=True)
        )
        for name, kind in kinds.items()
    } or None


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
    for quick, law in zip(on_drawn_cases(applied, how.examples), applied, strict=True):
        yield judged(plugin, quick, law)


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
