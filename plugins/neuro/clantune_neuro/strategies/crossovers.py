"""Crossovers of lineages whose offspring has genes of its parents, unchanged."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from itertools import accumulate
from random import Random

import attrs

from clantune_core import AbstractAllele, AbstractCrossbreedingStrategy, Ancestry
from clantune_neuro.strategies.parents import Genes, Parents, shares_of_genes


class Crossover(AbstractCrossbreedingStrategy):
    """Combines lineages, and leaves other kinds to the next strategy.

    The offspring begins with the birth of its dominant parent, and with the genes with which all
    parents begin. With one parent it is a copy.
    """

    @abc.abstractmethod
    def tail(self, parents: Parents, rng: Random) -> Sequence[str]:
        """Return the later genes of the offspring."""

    def handle_crossbreeding(
        self, population_alleles: Sequence[AbstractAllele], ancestry: Ancestry, rng: Random
    ) -> AbstractAllele | None:
        """Combine the lineages of the parents."""
        parents = Parents.of(population_alleles, ancestry)
        if parents is None:
            return None
        if not any(parents.tails) or len(parents.tails) == 1:
            return parents.dominant
        return parents.child(self.tail(parents, rng))


@attrs.frozen
class Union(Crossover):
    """The offspring has the genes of all parents, and others by chance.

    Use it with additive operators, whose genes mean the same beside any others. A gene that all
    parents have is always kept. Another one is kept with a probability that is the sum of the
    shares of the parents that have it. The genes are in the order in which they first appear: those
    of the dominant parent, then those that the next parent adds.
    """

    def tail(self, parents: Parents, rng: Random) -> Sequence[str]:
        """Return the genes that are kept."""
        shares = shares_of_genes(parents.tails, parents.shares)
        return [gene for (gene, _), p in shares.items() if p == 1.0 or rng.random() < p]


@attrs.frozen
class OnePoint(Crossover):
    """The offspring has the genes of one parent up to a point, and those of another one after it.

    Two parents are drawn by their shares. The point is drawn among the positions from the first
    difference of the parents to the end of the longer one, so the offspring may be a copy of one.
    """

    def tail(self, parents: Parents, rng: Random) -> Sequence[str]:
        """Return the genes of one parent, then those of another one."""
        first, second = _draw_two(parents, rng)
        point = rng.randint(0, max(len(first), len(second)))
        return first[:point] + second[point:]


@attrs.frozen
class ByPosition(Crossover):
    """Each gene of the offspring is that of one of its parents at the same position.

    One parent is drawn by the shares, and the offspring is as long as it. Each position takes the
    gene of a parent that is drawn among those that are long enough.
    """

    def tail(self, parents: Parents, rng: Random) -> Sequence[str]:
        """Return a gene for each position."""
        pairs = [*zip(parents.tails, parents.shares, strict=True)]
        (length,) = rng.choices([len(tail) for tail in parents.tails], parents.shares)
        found: list[str] = []
        while len(found) < length:  # once for each number of parents that are long enough
            pairs = [(tail, share) for tail, share in pairs if len(tail) > len(found)]
            shortest = min(length, *(len(tail) for tail, _ in pairs))
            drawn = rng.choices(
                [tail for tail, _ in pairs],
                cum_weights=[*accumulate(share for _, share in pairs)],
                k=shortest - len(found),
            )
            found += [tail[place] for place, tail in enumerate(drawn, len(found))]
        return found


def _draw_two(parents: Parents, rng: Random) -> tuple[Genes, Genes]:
    """Draw two parents by their shares, in the order of the draw."""
    numbers = [*range(len(parents.tails))]
    (first,) = rng.choices(numbers, parents.shares)
    numbers.remove(first)
    (second,) = rng.choices(numbers, [parents.shares[number] for number in numbers])
    return parents.tails[first], parents.tails[second]
