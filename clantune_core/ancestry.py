"""Ancestry: how much each member of the population contributes to an offspring.

It has one `(probability, uuid)` per rank, in rank order, and the probabilities sum to 1. It becomes
the `parents` of the offspring. A clan decides by it which weights the offspring inherits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, Protocol, Self, overload
from uuid import UUID

import attrs

from clantune_core.errors import AncestryError, shown

TOLERANCE = 1e-6
"""How far from 1 the sum of the probabilities may be, to allow for rounding."""


class HasUuid(Protocol):
    """Anything with a uuid, such as a genome."""

    @property
    def uuid(self) -> UUID: ...  # noqa: D102


class Parent(NamedTuple):
    """One member's part in an ancestry."""

    probability: float
    uuid: UUID


def _checked_probabilities(given: Iterable[Any]) -> tuple[float, ...]:
    try:
        probabilities = tuple(map(float, given))
    except (TypeError, ValueError, OverflowError):
        raise AncestryError(f"probabilities must be numbers; got {shown(given)}") from None
    for rank, probability in enumerate(probabilities):
        if not 0.0 <= probability <= 1.0 + TOLERANCE:  # NaN fails this too
            raise AncestryError(
                f"the probability of rank {rank} must be from 0 to 1; got {probability}"
            )
    total = math.fsum(probabilities)
    if abs(total - 1.0) > TOLERANCE:
        raise AncestryError(
            f"the probabilities sum to {total:.9g}, not to 1; Ancestry.from_weights divides "
            "weights by their sum"
        )
    return probabilities


def _checked_uuids(given: Iterable[Any]) -> tuple[UUID, ...]:
    uuids = tuple(given)
    for rank, uuid in enumerate(uuids):
        if not isinstance(uuid, UUID):
            raise AncestryError(f"the uuid of rank {rank} must be a uuid.UUID; got {shown(uuid)}")
    return uuids


def _identities(population: Sequence[HasUuid]) -> tuple[UUID, ...]:
    known = getattr(population, "uuids", None)  # a `Population` keeps them
    return tuple(genome.uuid for genome in population) if known is None else known


@attrs.frozen(repr=False, eq=False, init=False)
class Ancestry(Sequence[Parent]):
    """A sequence of `(probability, uuid)`, one per rank, in rank order, summing to 1.

    It stores only the members that contribute, and shares the uuids with the population. If each
    member's ancestry stored all members, memory would grow with the square of the population.

    Attributes:
        uuids: The members' identities, in rank order.
        contributors: The `(rank, probability)` of each member that contributes, in rank order.
    """

    uuids: tuple[UUID, ...]
    contributors: tuple[tuple[int, float], ...]

    def __init__(self, probabilities: Iterable[float], uuids: Iterable[UUID]) -> None:
        """Check that every member has a probability, and that they sum to 1.

        Raises:
            AncestryError: They do not, or an entry is not a probability or not a uuid.
        """
        every, identities = _checked_probabilities(probabilities), _checked_uuids(uuids)
        if len(every) != len(identities):
            raise AncestryError(
                f"{len(every)} probabilities for {len(identities)} members; give one for "
                "every rank, 0 for a rank that does not contribute"
            )
        self._keep(identities, tuple((rank, p) for rank, p in enumerate(every) if p))

    def _keep(self, uuids: tuple[UUID, ...], contributors: tuple[tuple[int, float], ...]) -> None:
        for name, value in (("uuids", uuids), ("contributors", contributors)):
            object.__setattr__(self, name, value)  # only while it is created

    @classmethod
    def of(cls, parents: Iterable[tuple[float, UUID]]) -> Ancestry:
        """Make an ancestry from pairs, as the hook `select_ancestry` may return them."""
        if isinstance(parents, Ancestry):
            return parents
        try:
            pairs = [(probability, uuid) for probability, uuid in parents]
        except (TypeError, ValueError):
            raise AncestryError(
                f"an ancestry must be a list of pairs (probability, uuid); got {shown(parents)}"
            ) from None
        return cls([p for p, _ in pairs], [u for _, u in pairs])

    @classmethod
    def from_weights(cls, weights: Sequence[float], population: Sequence[HasUuid]) -> Ancestry:
        """Make an ancestry from weights in rank order, dividing them by their sum."""
        if len(weights) != len(population):
            raise AncestryError(
                f"{len(weights)} weights for {len(population)} members; give one for "
                "every rank, 0 for a rank that does not contribute"
            )
        return cls.from_shares({rank: w for rank, w in enumerate(weights) if w}, population)

    @classmethod
    def from_shares(cls, shares: Mapping[int, float], population: Sequence[HasUuid]) -> Self:
        """Make an ancestry from the weights of a few ranks, dividing them by their sum."""
        try:
            total = math.fsum(shares.values())
        except (TypeError, ValueError, OverflowError):
            raise AncestryError(
                f"weights must be finite numbers; got {shown([*shares.values()])}"
            ) from None
        if not 0.0 < total < math.inf:
            raise AncestryError(f"the sum of the weights must be positive and finite; got {total}")
        uuids = _identities(population)
        for rank, weight in shares.items():
            if not 0 <= rank < len(uuids):
                raise AncestryError(f"there is no rank {rank} in a population of {len(uuids)}")
            if weight < 0.0:
                raise AncestryError(f"the weight of rank {rank} must be 0 or more; got {weight}")
        parts = ((rank, shares[rank] / total) for rank in sorted(shares))
        made = object.__new__(cls)  # without the checks, which take long for a thousand members
        made._keep(uuids, tuple(part for part in parts if part[1]))
        return made

    @classmethod
    def sole(cls, rank: int, population: Sequence[HasUuid]) -> Ancestry:
        """Make the ancestry of an offspring with a single parent."""
        return cls.from_shares({rank: 1.0}, population)

    @property
    def probabilities(self) -> tuple[float, ...]:
        """One probability per rank, each from 0 to 1."""
        every = [0.0] * len(self.uuids)
        for rank, probability in self.contributors:
            every[rank] = probability
        return tuple(every)

    @property
    def dominant(self) -> int:
        """The rank that contributes most; among equal ranks, the lowest."""
        return max(self.contributors, key=itemgetter(1))[0]

    def is_of(self, population: Sequence[HasUuid]) -> bool:
        """Whether its members are those of the population, rank by rank."""
        uuids = _identities(population)
        return self.uuids is uuids or self.uuids == uuids  # most share the tuple

    def check(self, population: Sequence[HasUuid]) -> Ancestry:
        """Return this ancestry if its members are those of the population, rank by rank.

        Raises:
            AncestryError: A rank is missing, or has the uuid of another member.
        """
        if len(self) != len(population):
            raise AncestryError(
                f"the ancestry has {len(self)} entries for a population of {len(population)}; give "
                "one for every rank, 0 for a rank that does not contribute"
            )
        if not self.is_of(population):
            uuids = _identities(population)
            rank = next(rank for rank, uuid in enumerate(uuids) if uuid != self.uuids[rank])
            raise AncestryError(
                f"rank {rank} is {self.uuids[rank]} in the ancestry, but {uuids[rank]} in the "
                "population; keep the order of the ranks"
            )
        return self

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Ancestry):
            return (self.contributors, self.uuids) == (other.contributors, other.uuids)
        return isinstance(other, list | tuple) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self))  # an equal tuple has the same hash

    def __len__(self) -> int:
        return len(self.uuids)

    def __iter__(self) -> Iterator[Parent]:
        return map(Parent, self.probabilities, self.uuids)

    @overload
    def __getitem__(self, index: int) -> Parent: ...
    @overload
    def __getitem__(self, index: slice) -> list[Parent]: ...
    def __getitem__(self, index: int | slice) -> Parent | list[Parent]:
        if isinstance(index, slice):
            return list(self)[index]
        rank = range(len(self))[index]
        return Parent(dict(self.contributors).get(rank, 0.0), self.uuids[rank])

    def __repr__(self) -> str:
        parts = ", ".join(
            f"{p:.3g} of rank {rank} ({str(self.uuids[rank])[:8]})" for rank, p in self.contributors
        )
        return f"<Ancestry: {parts}>"
