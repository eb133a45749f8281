"""The values of a genome in the live objects: written, read back, and compared again later.

Nothing that a gene has set is overwritten in silence.
"""

from __future__ import annotations

from typing import Any

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError, OverwrittenError
from clantune_clan.member.expression import Expression, GenomeExpression
from clantune_clan.member.leaves import is_same
from clantune_clan.member.state import State


class LiveValues:
    """What the genome of a state is expressed as now."""

    def __init__(self, state: State, communicator: Communication) -> None:
        """Begin with nothing expressed."""
        self._state = state
        self._communicator = communicator
        self._expression = GenomeExpression()
        self.clear()

    def clear(self) -> None:
        """Forget what was expressed, as when other values were loaded."""
        self._now = Expression({}, {}, {})

    def express(self, mode: str, where: str, *, problem: Exception | None) -> None:
        """Write the values of the genome into the state. All ranks do this together.

        Args:
            mode: The phase.
            where: Where in the run this is, the same on all ranks.
            problem: An error on this rank, if there is one: it is raised on all.

        Raises:
            ClanError: A value does not fit where it is expressed.
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
        """Return an error for the first value that is not as it was expressed, or None."""
        for path, value in self._now.patch.items():
            found = self._state.get(path)
            if not is_same(found, value):
                return _overwritten(self._now.gene_at[path], path, value, found)
        return None

    def require_unchanged(self) -> None:
        """Raise an error if a value has been overwritten, and let the others read it."""
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
        """Return the value that a gene is expressed with.

        Raises:
            ClanError: There is no such gene.
        """
        if name not in self._now.genes:
            known = ", ".join(self._now.genes) or "none"
            raise ClanError(f"there is no gene {name!r}; there are {known}")
        return self._now.genes[name]


def _overwritten(gene: str, path: str, value: object, found: object) -> OverwrittenError:
    return OverwrittenError(
        f"gene {gene!r} set {path!r} to {value!r}, and now it is {found!r}: something else writes "
        "there, such as a scheduler, an assignment, or a loaded optimizer state; let only one of "
        "them set it (leave the gene out, or hand a scheduler to the clan as scheduler=)",
        gene=gene,
        path=path,
        expressed=value,
        found=found,
    )
