"""What wrappers of mutations have in common: every hook that the inner one may have is passed on.

A wrapper answers for the hooks that it defines and for no others.
"""

from __future__ import annotations

from random import Random
from typing import Any, TypeVar

from clantune_core import AbstractAllele, AbstractMutationStrategy, AbstractStrategy, ask, takes
from clantune_strategies._checks import held

A = TypeVar("A", bound=AbstractAllele)


def held_mutation() -> Any:
    """Return a field for the mutation that a wrapper holds."""
    return held(AbstractMutationStrategy, "a strategy that mutates")


def with_own_stream(
    strategy: AbstractStrategy, hook: str, offered: dict[str, Any]
) -> dict[str, Any]:
    """Return what is offered, with a shared stream that is the inner one's alone, if it takes one.

    Some members let it act, and others do not, or several times, or on fewer genomes: so all draw
    one number here, and the stream that is the same on every rank stays so.
    """
    if "shared_rng" not in offered or not takes(strategy, hook, "shared_rng"):
        return offered
    return offered | {"shared_rng": Random(offered["shared_rng"].getrandbits(64))}


class MutationWrapper(AbstractMutationStrategy):
    """Holds a mutation as `strategy`; when and how it acts, the derived class says."""

    strategy: AbstractMutationStrategy

    def handle_setup(self, allele: AbstractAllele, **offered: Any) -> AbstractAllele:
        """Let the inner one set up what it learns."""
        made: AbstractAllele = ask(self.strategy, "handle_setup", allele=allele, **offered)
        return made

    def _inner(self, allele: A, **offered: Any) -> A:
        """Return the allele as the inner one mutates it; `ask` refuses another kind."""
        made: A = ask(self.strategy, "handle_mutating", allele=allele, **offered)
        return made

    def _apart(self, offered: dict[str, Any]) -> dict[str, Any]:
        """Return what is offered, with a shared stream that is the inner one's alone."""
        return with_own_stream(self.strategy, "handle_mutating", offered)
