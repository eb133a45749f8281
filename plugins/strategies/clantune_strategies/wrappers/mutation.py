"""Base class for strategies that wrap a mutation."""

from __future__ import annotations

from typing import Any, TypeVar

from clantune_core import AbstractAllele, AbstractMutationStrategy, call_hook
from clantune_strategies.wrappers.streams import with_own_shared_rng

A = TypeVar("A", bound=AbstractAllele)


class MutationWrapper(AbstractMutationStrategy):
    """Wraps another mutation; the derived class decides when and how that one acts.

    A wrapper answers only the hooks that it defines. This class forwards `handle_setup`; a derived
    class implements `handle_mutating` with `inner_mutate` and `with_own_shared_rng`.
    """

    strategy: AbstractMutationStrategy

    def handle_setup(self, allele: AbstractAllele, **arguments: Any) -> AbstractAllele:
        """Set up the wrapped mutation."""
        result: AbstractAllele = call_hook(
            self.strategy, "handle_setup", allele=allele, **arguments
        )
        return result

    def inner_mutate(self, allele: A, **arguments: Any) -> A:
        """Return the allele that the wrapped mutation returns; `call_hook` checks its kind."""
        result: A = call_hook(self.strategy, "handle_mutating", allele=allele, **arguments)
        return result

    def with_own_shared_rng(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments with a shared stream of the wrapped mutation's own."""
        return with_own_shared_rng(self.strategy, "handle_mutating", arguments)
