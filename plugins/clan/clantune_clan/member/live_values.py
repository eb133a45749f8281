"""The values of a genome in the live objects.

The clan writes the values, reads them back, and compares them again later. So it reports other code
that overwrites a value.
"""

from __future__ import annotations

from typing import Any

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError, OverwrittenError
from clantune_clan.member.expression import Expression, GenomeExpression
from clantune_clan.member.leaves import is_same
from clantune_clan.member.state import State

_WRITERS_OF_RATES = (
    "a scheduler, a loop that assigns group['lr'], or a loaded optimizer state. Hand a scheduler "
    "in, Clan(..., scheduler=scheduler), and the gene multiplies what it sets (a rule of your own "
    "makes a LambdaLR); or leave it out, and give total_steps= for a warm-up and a cooldown"
)

_WRITERS = (
    "a scheduler, an assignment, or a loaded optimizer state; let only one of them set it (leave "
    "the gene out, or hand a scheduler to the clan as scheduler=)"
)


class LiveValues:
    """The values of a state's genome that are expressed now."""

    def __init__(self, state: State, communicator: Communication) -> None:
        """Start without expressed values."""
        self._state = state
        self._communicator = communicator
        self._expression = GenomeExpression()
        self.clear()

    def clear(self) -> None:
        """Forget the expressed values, as after other values were loaded."""
        self._now = Expression({}, {}, {})

    def express(self, mode: str, where: str, *, problem: Exception | None) -> None:
        """Write the values of the genome into the state. All ranks call this together.

        Args:
            mode: Current phase.
            where: Place in the run, equal on all ranks.
            problem: Error on this rank, or None. All ranks raise an error.

        Raises:
            ClanError: A value does not fit at its path.
            OverwrittenError: The state does not keep a value.
        """
        genome = self._state.genome
        expression = self._expression.express(
            genome, mode, self._communicator, where=where, problem=problem
        )
        try:
            self._state.patch(expression.patch)
        except ClanError as error:
            self._communicator.announce(error)
            raise
        self._now = expression
        self.require_unchanged()

    def problem(self) -> OverwrittenError | None:
        """Return an error for the first value that differs from the expressed one, or None."""
        for path, value in self._now.patch.items():
            found = self._state.get(path)
            if not is_same(found, value):
                return _overwritten(self._now.gene_at[path], path, value, found)
        return None

    def require_unchanged(self) -> None:
        """Raise an error if a value has been overwritten, and publish it for the other ranks."""
        if problem := self.problem():
            self._communicator.announce(problem)
            raise problem

    def at(self, path: str) -> Any:
        """Return the value that is expressed at a path.

        Raises:
            ClanError: No gene is expressed there.
        """
        if path not in self._now.patch:
            known = ", ".join(self._now.patch) or "nothing"
            raise ClanError(f"no gene is expressed at {path!r}; there is {known}")
        return self._now.patch[path]

    def of_gene(self, name: str) -> Any:
        """Return the expressed value of a gene.

        Raises:
            ClanError: There is no gene of this name.
        """
        if name not in self._now.genes:
            known = ", ".join(self._now.genes) or "none"
            raise ClanError(f"there is no gene {name!r}; there are {known}")
        return self._now.genes[name]


def _overwritten(gene: str, path: str, value: object, found: object) -> OverwrittenError:
    return OverwrittenError(
        f"gene {gene!r} set {path!r} to {value!r}, and now it is {found!r}: something else writes "
        f"there, such as {_WRITERS_OF_RATES if path.endswith('/lr') else _WRITERS}",
        gene=gene,
        path=path,
        expressed=value,
        found=found,
    )
