"""Evolution: an ordered list of strategies, and the one who calls them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any
from uuid import UUID

import attrs

from clantune_core._allele import AbstractAllele
from clantune_core._calling import Calls, Observer
from clantune_core._seating import HOOKS
from clantune_core._table import table
from clantune_core._turn import Turn
from clantune_core.ancestry import Ancestry
from clantune_core.context import Context
from clantune_core.errors import ClanTuneError, StrategyError, shown
from clantune_core.genome import Genome
from clantune_core.population import Population
from clantune_core.rng import population_rng
from clantune_core.strategies import AbstractStrategy, require_strategy

_SHARED = ("shared_rng", "shared_once")
"""Arguments that are the same on every rank."""


def _to_strategies(strategies: Iterable[AbstractStrategy]) -> tuple[AbstractStrategy, ...]:
    if isinstance(strategies, AbstractStrategy):
        raise StrategyError(f"strategies come in a list: Evolution([{strategies!r}])")
    if not isinstance(strategies, Iterable):
        raise StrategyError(f"strategies come in a list; got {shown(strategies)}")
    listed = tuple(strategies)
    for place, strategy in enumerate(listed):
        require_strategy(strategy, f"entry {place} of the list")
    return listed


@attrs.frozen
class Evolution:
    """An ordered list of strategies. The order on the page is the order of effect.

    Attributes:
        strategies: Configured strategies. Installing a package never adds one.
        observer: Called with a `Step` after each strategy's turn; `print` will do.
    """

    strategies: tuple[AbstractStrategy, ...] = attrs.field(converter=_to_strategies)
    observer: Observer | None = attrs.field(default=None, kw_only=True, eq=False, repr=False)
    _calls: Calls = attrs.field(init=False, eq=False, repr=False)

    @_calls.default
    def _seat(self) -> Calls:
        return Calls(self.strategies, self.observer)

    def setup(
        self,
        genome: Genome,
        rng: Random | None = None,
        *,
        shared_rng: Random | None = None,
        rank: int = 0,
        population_size: int = 1,
    ) -> Genome:
        """Return the genome with what the strategies learn injected into its metadata.

        Args:
            genome: A genome with its hyperparameters, before the first generation.
            rng: This member's random stream; None draws a seed from the system.
            shared_rng: The stream that is the same on every rank, for strategies that take it.
            rank: This member's position in the population.
            population_size: Number of members.
        """
        if shared_rng is None and self._calls.wants(*_SHARED, hook="handle_setup"):
            raise _needs_shared_rng("handle_setup")
        base = Context(rank=rank, population_size=population_size, genes=_active(genome))
        common: dict[str, Any] = {"rng": _stream(rng) or Random()}
        if shared_rng is not None:
            common["shared_rng"] = _stream(shared_rng)

        def setup_gene(gene: str, allele: AbstractAllele) -> AbstractAllele:
            arguments = {**common, "context": base.at_gene(gene)}
            try:
                after = self._calls.fold("handle_setup", "allele", allele, arguments)
                _require_only_metadata(allele, after)
            except Exception as error:
                error.add_note(f"at gene {gene!r}")
                raise
            return after

        made = {gene: setup_gene(gene, allele) for gene, allele in genome.alleles.items()}
        return genome if made == genome.alleles else attrs.evolve(genome, alleles=made)

    def offspring(
        self,
        my_genome: Genome,
        population_genomes: Sequence[Genome],
        rng: Random | None = None,
        *,
        shared_rng: Random | None = None,
        generation: int = 0,
        progress: float | None = None,
    ) -> Genome:
        """Return this member's next genome: select parents, crossbreed, mutate.

        Args:
            my_genome: This member's genome, one of the population.
            population_genomes: All members' evaluated genomes, in rank order.
            rng: This member's random stream; None draws a seed from the system.
            shared_rng: The stream that is the same on every rank; None derives one from the
                population's identities.
            generation: Number of the round, from 0.
            progress: Fraction of the run that is done, 0 to 1; None if nobody knows.
        """
        given = (my_genome, population_genomes, rng, shared_rng, generation, progress)
        turn = self._turn("offspring", *given)
        return turn.mutate(turn.crossbreed(turn.select()))

    def select(
        self,
        my_genome: Genome,
        population_genomes: Sequence[Genome],
        rng: Random | None = None,
        *,
        shared_rng: Random | None = None,
        generation: int = 0,
        progress: float | None = None,
    ) -> Ancestry:
        """Return the ancestry of this member's next genome. Arguments as in `offspring`."""
        given = (my_genome, population_genomes, rng, shared_rng, generation, progress)
        return self._turn("select", *given).select()

    def crossbreed(
        self,
        my_genome: Genome,
        population_genomes: Sequence[Genome],
        rng: Random | None = None,
        *,
        ancestry: Ancestry | Iterable[tuple[float, UUID]] | None = None,
        shared_rng: Random | None = None,
        generation: int = 0,
        progress: float | None = None,
    ) -> Genome:
        """Return an offspring that has not mutated yet. Arguments as in `offspring`.

        An `ancestry` that was selected before is used as it is; None selects one here.
        """
        given = (my_genome, population_genomes, rng, shared_rng, generation, progress)
        turn = self._turn("crossbreed", *given)
        if ancestry is None:
            return turn.crossbreed(turn.select())
        return turn.crossbreed(Ancestry.of(ancestry).check(turn.population))

    def mutate(
        self,
        genome: Genome,
        rng: Random | None = None,
        *,
        my_genome: Genome | None = None,
        population_genomes: Sequence[Genome] | None = None,
        shared_rng: Random | None = None,
        generation: int = 0,
        progress: float | None = None,
    ) -> Genome:
        """Return the genome with its alleles mutated; identity and parents stay.

        Arguments as in `offspring`. A genome on its own, in no population, may be mutated too.
        """
        if not isinstance(genome, Genome):
            raise ClanTuneError(f"what mutates is a Genome; got {shown(genome)}")
        me = genome if my_genome is None else my_genome
        alone = population_genomes is None
        if alone and shared_rng is None and self._calls.wants(*_SHARED, hook="handle_mutating"):
            raise _needs_shared_rng("handle_mutating")
        genomes = [me] if population_genomes is None else population_genomes
        given = (me, genomes, rng, shared_rng, generation, progress)
        return self._turn("mutate", *given, alone=alone).mutate(genome)

    def implements(self, hook: str) -> bool:
        """Whether any strategy of the list implements a hook."""
        return bool(self._calls.implementations[hook])

    def explain(self) -> None:
        """Print which strategy answers which hook, in which order."""
        print(self)

    def __str__(self) -> str:
        nobody = {
            "handle_setup": "nobody: genomes stay as they are",
            "select_ancestry": "nobody: selecting is an error",
            "handle_crossbreeding": "nobody: my own alleles stay",
            "handle_mutating": "nobody: alleles stay as they are",
        }
        rows = []
        for hook, style in HOOKS.items():
            names = [step.strategy for step in self._calls.implementations[hook]]
            joint = " -> " if style == "fold" else ", else "
            rows.append((hook, style, joint.join(names) or nobody[hook]))
        listed = "\n".join(f"  {i}: {strategy!r}" for i, strategy in enumerate(self.strategies))
        return (
            f"strategies\n{listed or '  none'}\n{table(('hook', 'called as', 'order'), rows, '')}"
        )

    def _turn(
        self,
        step: str,
        genome: Genome,
        genomes: Sequence[Genome],
        rng: Random | None,
        shared_rng: Random | None,
        generation: int,
        progress: float | None,
        *,
        alone: bool = False,
    ) -> Turn:
        if not isinstance(genome, Genome):
            raise ClanTuneError(f"this member's genome is a Genome; got {shown(genome)}")
        if progress is not None and not _is_fraction(progress):
            raise ClanTuneError(f"progress is a fraction of the run, 0 to 1; got {shown(progress)}")
        population = Population.of(genomes)
        if shared_rng is None and not alone and self._calls.share:
            shared_rng = population_rng(population, generation, step)
        context = Context(
            rank=population.rank_of(genome),
            population_size=len(population),
            generation=generation,
            genes=_active(genome) if self._calls.tell_where else (),  # nobody else reads it
            progress=progress,
        )
        own = _stream(rng) or Random()
        return Turn(self._calls, genome, population, context, own, _stream(shared_rng))


def _stream(rng: Random | None) -> Random | None:
    if rng is None or isinstance(rng, Random):
        return rng
    raise ClanTuneError(
        f"a random stream is a random.Random; got {shown(rng)}; with a seed, give "
        "random.Random(seed)"
    )


def _is_fraction(number: object) -> bool:
    return isinstance(number, int | float) and 0.0 <= number <= 1.0


def _needs_shared_rng(hook: str) -> StrategyError:
    return StrategyError(
        f"a strategy takes shared_rng in {hook}, and only who handles all members can give it; "
        "pass shared_rng=shared_rng(seed, generation), the same on every rank",
        hook=hook,
    )


def _require_only_metadata(before: AbstractAllele, after: AbstractAllele) -> None:
    if after.value != before.value:
        raise StrategyError(
            f"setting up turned {shown(before.value)} into {shown(after.value)}; handle_setup "
            "adds metadata and changes nothing else",
            hook="handle_setup",
        )


def _active(genome: Genome) -> tuple[str, ...]:
    return tuple([gene for gene, allele in genome.alleles.items() if allele.can_mutate])
