"""Checking installed strategies, on cases that are drawn once for all of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs
from hypothesis import strategies as st

from clantune_core.errors import ClanTuneError, PluginError
from clantune_core.genome import Genome
from clantune_core.hooks.implementations import implemented_hooks
from clantune_core.plugins import ALLELES, STRATEGIES, Group, Plugin, allele_class
from clantune_core.population import Population
from clantune_core.strategies import AbstractStrategy
from clantune_core.testing.alleles import alleles
from clantune_core.testing.another_process import answers_the_same_in_another_process
from clantune_core.testing.cases import Case
from clantune_core.testing.check_options import Checking
from clantune_core.testing.configured import CannotMake, configured, made
from clantune_core.testing.conforms import laws
from clantune_core.testing.drawn import DrawnCases
from clantune_core.testing.generators import Genes
from clantune_core.testing.registered import Instances
from clantune_core.testing.verdicts import Verdict, judged

DRAWN_GENOMES = Group(
    "clantune.drawn_genomes",
    what="completion of drawn genomes",
    form="a function of a genome that returns a genome",
    accepts=callable,
    home="clantune-neuro",
)

Completion = Callable[[Genome], Genome]

ELSEWHERE = answers_the_same_in_another_process.__name__
CASES_ELSEWHERE = 20


class Strategies:
    """The laws for strategies, on cases that are drawn once for all strategies."""

    def __init__(self, plugins: Sequence[Plugin], how: Checking) -> None:
        self._how = how
        self._plugins = [plugin for plugin in plugins if plugin.group is STRATEGIES]
        self._named = _named(how.genes)
        self._drawn: DrawnCases | None = None
        self._all_alike: bool | None = None

    def check(self, plugin: Plugin) -> Iterator[Verdict]:
        """Try every law on a strategy."""
        instances = self._instances(plugin)
        genes = self._named or self._own
        if self._drawn is None:
            either = (genes,) if self._named else (None, genes)
            self._drawn = DrawnCases(self._how.examples, genes=either, completed=self._completed)
        for law in laws(instances, genes=genes, may_pass=self._may_pass(plugin)):
            if law.name == ELSEWHERE and self._answer_alike_elsewhere():
                yield Verdict(plugin, law.name, law.sentence)
            else:
                drawn = self._drawn.under(law, instances)
                yield judged(plugin, law.on_cases(self._completed), drawn=drawn)

    @functools.cached_property
    def _own(self) -> Genes | None:
        """A gene of each kind of the same packages, which the strategies may be written for."""
        own: dict[str, Instances] = {}
        for kind in _of_the_same_packages(ALLELES, self._plugins):
            try:
                own[kind.name] = alleles(kind.load())
            except PluginError as error:
                raise CannotMake(str(error)) from error
            except ClanTuneError:  # no package says how to draw it: its own check reports that
                continue
        return {"of any kind": alleles(), **own} if own else None

    @functools.cached_property
    def _completions(self) -> list[tuple[Plugin, Completion]]:
        """Functions that give a genome the metadata that the strategies need."""
        try:
            return [
                (each, each.load()) for each in _of_the_same_packages(DRAWN_GENOMES, self._plugins)
            ]
        except PluginError as error:
            raise CannotMake(str(error)) from error

    def _completed(self, case: Case) -> Case:
        if not self._completions:
            return case
        genomes = [*case.population]
        for plugin, complete in self._completions:
            try:
                genomes = [complete(genome) for genome in genomes]
            except Exception as error:
                raise CannotMake(f"{plugin} failed: {type(error).__name__}: {error}") from error
        return attrs.evolve(case, population=Population(genomes))

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


def _named(kinds: Mapping[str, str]) -> Genes | None:
    """Return genes that mutate and crossbreed, as a strategy for certain genes wants them."""
    return {
        name: alleles(allele_class(kind), max_depth=0).map(
            lambda allele: attrs.evolve(allele, can_mutate=True, can_crossbreed=True)
        )
        for name, kind in kinds.items()
    } or None


def _of_the_same_packages(group: Group, plugins: Sequence[Plugin]) -> list[Plugin]:
    packages = {plugin.distribution for plugin in plugins}
    return [plugin for plugin in group.installed() if plugin.distribution in packages]
