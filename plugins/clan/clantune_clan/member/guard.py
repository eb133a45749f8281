"""The guard of expressed values: nothing that a gene has set is overwritten in silence."""

from __future__ import annotations

from clantune_clan.errors import OverwrittenError
from clantune_clan.member.expression import Expression
from clantune_clan.member.leaves import is_same
from clantune_clan.member.state import State


class Guard:
    """Compares the live objects with what was expressed."""

    def __init__(self, state: State) -> None:
        """Guard a state."""
        self._state = state

    def problem(self, expression: Expression) -> OverwrittenError | None:
        """Return an error for the first value that is not as it was expressed, or None."""
        for path, value in expression.patch.items():
            found = self._state.get(path)
            if not is_same(found, value):
                return _overwritten(expression.gene_at[path], path, value, found)
        return None


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
