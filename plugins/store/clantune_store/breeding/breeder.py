"""What breeds children: the seam between the store and an evolution, or anything else."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from clantune_store.breeding.asked import Asked
from clantune_store.database.canonical import canonical, id_of

if TYPE_CHECKING:
    from clantune_store.database import Database
    from clantune_store.space.space import Space


@attrs.frozen
class Stored:
    """What a database keeps of a group.

    Attributes:
        number: Local number.
        id: Id that follows from the values.
        values: Values by name, as JSON data.
        learned: What a strategy has learned about it, as JSON text, or None.
    """

    number: int
    id: uuid.UUID
    values: Mapping[str, Any] = attrs.field(hash=False, repr=False)
    learned: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Graded:
    """A group and how good it is.

    Attributes:
        group: The group.
        fitness: How good it is; higher is better.
        run: Id of the run that shows it, or None.
    """

    group: Stored
    fitness: float
    run: uuid.UUID | None = None


@attrs.frozen
class Descent:
    """One parent of a child.

    Attributes:
        parent: Id of the parent's group.
        weight: Share of the parent, above 0 and at most 1.
        part: Tag of the parameters that come from this parent; empty for all.
        run: Id of the run that justified the choice, or None.
    """

    parent: uuid.UUID
    weight: float
    part: str = ""
    run: uuid.UUID | None = None


@attrs.frozen
class Child:
    """Values that a breeder proposes.

    Attributes:
        values: JSON values by name, one for each parameter of the space.
        parents: Parents, each of which is one of the groups that the breeder was given.
        learned: What a strategy has learned, as JSON text, or None.
    """

    values: Mapping[str, Any] = attrs.field(hash=False)
    parents: tuple[Descent, ...] = ()
    learned: str | None = None

    @property
    def id(self) -> uuid.UUID:
        """Id of the group of these values."""
        return id_of(canonical(dict(self.values)))


class Breeder(Protocol):
    """Proposes children. It need not know rules, nor which groups there are already."""

    def child(self, number: int, attempt: int) -> Child:
        """Return a child.

        Args:
            number: Number of the child, from 0.
            attempt: 0 for the first proposal, 1 for another one in its place, and so on.

        Returns:
            The same child for the same seed, in any process.
        """


@attrs.frozen
class Setting:
    """What a breeder is made from.

    Attributes:
        database: Database, which it only reads.
        space: Space that all children come from.
        population: The best groups, the best one first.
        asked: Which question ranks them; `population.graded` answers it for all groups.
        seed: Number from which every random choice follows.
        progress: Fraction of the search that is done, from 0 to 1; None if it is not known.
        part: Tag of the parameters that it breeds; empty for all.
    """

    database: Database
    space: Space
    population: Sequence[Graded]
    asked: Asked
    seed: int
    progress: float | None = None
    part: str = ""


MakeBreeder = Callable[[Setting], Breeder]
