"""What strategies derive from. Each works alone; `Evolution` makes several work together.

A concrete strategy is an attrs class (`@attrs.frozen`) whose fields are its parameters, with
methods named like hooks: see `clantune_core.hookspecs`. It keeps no state; what it must remember
from one generation to the next it puts into an allele's metadata, where it is inherited and saved.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any
from uuid import UUID

from clantune_core.alleles import AbstractAllele
from clantune_core.ancestry import Ancestry
from clantune_core.errors import StrategyError, shown
from clantune_core.genome import Genome
from clantune_core.hooks.dispatch import Calls
from clantune_core.hooks.implementations import default, refuse_misspelt_hooks
from clantune_core.hooks.setup import set_up
from clantune_core.hooks.turn import begin_turn


class AbstractStrategy(abc.ABC):
    """Root of all strategies: may set a genome up, and can be applied."""

    __slots__ = ()

    def __init__(self, *args: object, **kwargs: object) -> None:
        # Reached by a class that attrs has not made; its own error would not say what is missing.
        if args or kwargs:
            name = type(self).__name__
            raise StrategyError(
                f"{name} takes no parameters, because nothing makes them of its fields: put "
                f"@attrs.frozen above class {name}",
                strategy=name,
            )

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        refuse_misspelt_hooks(cls)

    # The hooks take what they name, so the base classes take anything: mypy then accepts any
    # selection of arguments in an override.
    @default
    def handle_setup(self, *args: Any, **kwargs: Any) -> AbstractAllele:
        """Hook: add to a gene's metadata what this strategy learns along with it."""
        allele: AbstractAllele = args[0] if args else kwargs["allele"]
        return allele

    @abc.abstractmethod
    def apply_strategy(self, *args: Any, **kwargs: Any) -> Genome:
        """Return a new genome; what it takes depends on the kind of strategy."""

    def setup_genome(
        self, genome: Genome, rng: Random | None = None, *, shared_rng: Random | None = None
    ) -> Genome:
        """Return the genome with what this strategy learns injected into its metadata."""
        return set_up(Calls([self]), genome, rng, shared_rng=shared_rng)


class AbstractMutationStrategy(AbstractStrategy):
    """A strategy that changes alleles: implements `handle_mutating`."""

    __slots__ = ()

    @abc.abstractmethod
    def handle_mutating(self, *args: Any, **kwargs: Any) -> AbstractAllele:
        """Hook: change the value of an allele that can mutate."""

    def apply_strategy(
        self, genome: Genome, rng: Random | None = None, *, shared_rng: Random | None = None
    ) -> Genome:
        """Return the genome with its alleles mutated; identity and parents stay."""
        return begin_turn(Calls([self]), genome, None, rng, shared_rng=shared_rng).mutate(genome)


class AbstractCrossbreedingStrategy(AbstractStrategy):
    """A strategy that reduces many genomes to one: selects parents, combines alleles, or both."""

    __slots__ = ()

    @default
    def select_ancestry(
        self, *args: Any, **kwargs: Any
    ) -> Ancestry | Iterable[tuple[float, UUID]] | None:
        """Hook: choose the parents, and how much each contributes."""
        return None

    @default
    def handle_crossbreeding(self, *args: Any, **kwargs: Any) -> AbstractAllele | None:
        """Hook: make an allele out of those of all members."""
        return None

    def apply_strategy(
        self,
        my_genome: Genome,
        population_genomes: Sequence[Genome],
        rng: Random | None = None,
        *,
        ancestry: Ancestry | Iterable[tuple[float, UUID]] | None = None,
        shared_rng: Random | None = None,
    ) -> Genome:
        """Return an offspring of the population: new identity, the ancestry as its parents.

        A strategy that selects nobody is given the `ancestry`.
        """
        turn = begin_turn(
            Calls([self]),
            my_genome,
            population_genomes,
            rng,
            shared_rng=shared_rng,
            step="crossbreed",
        )
        return turn.crossbreed(turn.select() if ancestry is None else ancestry)


def require_strategy(given: object, what: str) -> None:
    """Raise a `StrategyError` that calls it `what` if this is no configured strategy."""
    if isinstance(given, type):
        raise StrategyError(
            f"{what} is the class {given.__name__}, not a strategy; have you forgotten the "
            f"parentheses: {given.__name__}()?"
        )
    if not isinstance(given, AbstractStrategy):
        raise StrategyError(f"{what} is {shown(given)}; a strategy derives from AbstractStrategy")
