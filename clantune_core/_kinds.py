"""The register of kinds: which class is meant by a tag in saved data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from clantune_core._allele import AbstractAllele
from clantune_core.errors import AlleleError

A = TypeVar("A", bound=type[AbstractAllele])

_KINDS: dict[str, type[AbstractAllele]] = {}


def allele_kind(tag: str) -> Callable[[A], A]:
    """Register a class as the kind called `tag` in saved data.

    A package that publishes a kind also names it in the entry-point group `clantune.alleles`, so
    that data can be read before the package was imported.
    """

    def register(kind: A) -> A:
        known = _KINDS.get(tag)
        if known is not None and (known.__module__, known.__qualname__) != (
            kind.__module__,
            kind.__qualname__,
        ):
            raise AlleleError(
                f"two kinds of allele are called {tag!r}: {known.__module__}.{known.__qualname__} "
                f"and {kind.__module__}.{kind.__qualname__}; rename one"
            )
        kind.kind = tag
        _KINDS[tag] = kind
        return kind

    return register


def registered_kinds() -> dict[str, type[AbstractAllele]]:
    """Return the kinds registered so far, by tag."""
    return dict(_KINDS)
