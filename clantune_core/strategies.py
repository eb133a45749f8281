"""The base classes of strategies. A strategy works alone; an `Evolution` combines several.

A concrete strategy is an attrs class (`@attrs.frozen`) whose fields are its parameters, with
methods named like hooks: see `clantune_core.hookspecs`. It keeps no state. It stores values for the
next generation in an allele's metadata, which is inherited and saved.
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
    """Base class of all strategies: a strategy may set a genome up, and can be applied."""

    __slots__ = ()

    def __init__(self, *args: object, **kwargs: object) -> None:
        # Called only if attrs has not defined `__init__`. Python's own error would not say so.
        if args or kwargs:
            name = type(self).__name__
            raise StrategyError(
                f"{name} takes no parameters, because it is not an attrs class; put @attrs.frozen "
                f"above class {name}",
                strategy=name,
            )

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        refuse_misspelt_hooks(cls)

    # A hook takes the arguments that it names, so the base classes take any arguments: mypy then
    # accepts any selection of arguments in an override.
    @default
    def handle_setup(self, *args: Any, **kwargs: Any) -> AbstractAllele:
        """Hook: add this strategy's metadata to a gene."""
        allele: AbstractAllele = args[0] if args else kwargs["allele"]
        return allele

    @abc.abstractmethod
    def apply_strategy(self, *args: Any, **kwargs: Any) -> Genome:
        """Return a new genome; the arguments depend on the kind of strategy."""

    def setup_genome(
        self, genome: Genome, rng: Random | None = None, *, shared_rng: Random | None = None
    ) -> Genome:
        """Return the genome with the metadata that this strategy adds to its genes."""
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
        """Hook: combine the alleles of all members into one."""
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

        For a strategy that does not select parents, pass the `ancestry`.
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
    """Raise a `StrategyError` about `what` if this is not a configured strategy."""
    if isinstance(given, type):
        raise StrategyError(
            f"{what} is the class {given.__name__}, not a strategy; did you forget the "
            f"parentheses: {given.__name__}()?"
        )
    if not isinstance(given, AbstractStrategy):
        raise StrategyError(f"{what} is {shown(given)}; a strategy derives from AbstractStrategy")
