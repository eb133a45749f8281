"""The four hooks: the one file that the author of a strategy must read.

A strategy is an attrs class derived from `AbstractMutationStrategy`, from
`AbstractCrossbreedingStrategy`, or from `AbstractStrategy` if it is neither. A method with the
name of a hook implements it. It names the arguments that it takes, out of those listed here, in any
order: `def handle_mutating(self, allele, rng)`. A method with another name that looks like a hook
is an error. `@hookimpl(tryfirst=True)` puts a method before all methods without a mark,
`@hookimpl(trylast=True)` after them.

In a **fold**, each strategy in the list receives the result of the one before it. None is an error:
return an allele that is not yours as it is. For a **first answer**, strategies are called in order
until one returns a result; None means "not mine".

Arguments of several hooks:

- `context` is where the hook is called: gene, path, depth, rank, population size, generation, names
  of the active genes, progress. See `Context`.
- `rng` is this member's own random stream, `shared_rng` the one that is the same on every rank.
  A strategy that draws only from these is reproducible. `draw(name)` is a number in [0, 1) that is
  the same for all genes of an offspring, `shared_draw(name)` one that is also the same on every
  rank.
- `ancestry` has one `(probability, uuid)` per rank, in rank order. See `Ancestry`.
- `my_genome` is the genome of this member as it was evaluated; `population_genomes` are those of
  all members, in rank order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

import pluggy

if TYPE_CHECKING:
    from clantune_core.alleles.base import AbstractAllele
    from clantune_core.ancestry import Ancestry
    from clantune_core.context import Context
    from clantune_core.genome import Genome
    from clantune_core.population import Population
    from clantune_core.rng import Draws

hookspec = pluggy.HookspecMarker("clantune")
hookimpl = pluggy.HookimplMarker("clantune")
"""Sets options of pluggy for a hook. A method with the name of a hook needs no mark."""

FOLD = "fold"
FIRST_ANSWER = "first answer"


@hookspec
def handle_setup(
    allele: AbstractAllele, context: Context, rng: Random, shared_rng: Random
) -> AbstractAllele:
    """Add this strategy's metadata to a gene, such as a step size that it learns. A fold.

    Called once per gene, before the first generation. The allele is the whole tree; in the other
    hooks it is flattened.

    Returns:
        The allele, with added metadata or unchanged. Only metadata may change.
    """


@hookspec
def handle_mutating(
    allele: AbstractAllele,
    population_alleles: Sequence[AbstractAllele],
    ancestry: Ancestry | None,
    my_genome: Genome,
    population_genomes: Population,
    offspring_alleles: Mapping[str, AbstractAllele],
    context: Context,
    rng: Random,
    shared_rng: Random,
    draw: Draws,
    shared_draw: Draws,
) -> AbstractAllele:
    """Change the value of an allele that can mutate. A fold.

    Called for every node with `can_mutate`, children first: a step size in `allele.metadata`
    mutates before the value that uses it. `population_alleles` are the nodes at the same place of
    all members, in rank order, before this generation; `offspring_alleles` are the genes of the
    genome that mutates, by name: those before this one have already mutated. `ancestry` is None for
    a genome that was not bred from this population.

    Returns:
        The allele with another value, or as it is.
    """


@hookspec(firstresult=True)
def select_ancestry(
    my_genome: Genome,
    population_genomes: Population,
    context: Context,
    rng: Random,
    shared_rng: Random,
    draw: Draws,
    shared_draw: Draws,
) -> Ancestry | Iterable[tuple[float, UUID]] | None:
    """Choose the parents of this member's offspring, and how much each contributes. First answer.

    Lower fitness is better. `population_genomes.fitnesses()` has them in rank order, with NaN as
    infinity; `Ancestry.from_weights` and `Ancestry.sole` make the answer.

    Returns:
        One `(probability, uuid)` per rank, in rank order, summing to 1; None to leave the choice to
        the next strategy.
    """


@hookspec(firstresult=True)
def handle_crossbreeding(
    my_allele: AbstractAllele,
    population_alleles: Sequence[AbstractAllele],
    ancestry: Ancestry,
    my_genome: Genome,
    population_genomes: Population,
    context: Context,
    rng: Random,
    shared_rng: Random,
    draw: Draws,
    shared_draw: Draws,
) -> AbstractAllele | None:
    """Combine the alleles of all members into an allele of the offspring. First answer.

    Called for every node with `can_crossbreed`, children first. `my_allele` is this member's own
    node, `population_alleles` the nodes at the same place of all members, in rank order;
    `ancestry.contributors` are the parents.

    Returns:
        The offspring's allele, of the same kind; None for a kind that is not yours. If every
        strategy returns None, `my_allele` stays.
    """
