"""The register of kinds: the class for each tag in saved data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from clantune_core.alleles.base import AbstractAllele
from clantune_core.alleles.continuous import ContinuousAllele, Range
from clantune_core.errors import AlleleError, shown

A = TypeVar("A", bound=type[AbstractAllele])

_KINDS: dict[str, type[AbstractAllele]] = {}


def allele_kind(tag: str) -> Callable[[A], A]:
    """Register a class as the kind called `tag` in saved data.

    A package that publishes a kind also names it in the entry-point group `clantune.alleles`, so
    that data can be read before the package is imported.

    Raises:
        AlleleError: The tag is not a string or belongs to another kind, or the class is incomplete.
    """
    _require_tag(tag)

    def register(kind: A) -> A:
        _require_complete(kind, tag)
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


def _require_tag(tag: object) -> None:
    if not isinstance(tag, str) or not tag:
        raise AlleleError(
            "allele_kind takes the kind's tag in saved data, a string: "
            f'@allele_kind("my_kind"); got {shown(tag)}'
        )


def _require_complete(kind: object, tag: str) -> None:
    if not isinstance(kind, type) or not issubclass(kind, AbstractAllele):
        raise AlleleError(
            f"@allele_kind({tag!r}) decorates {shown(kind)}, which is not an allele class; derive "
            "it from ContinuousAllele or DiscreteAllele"
        )
    if "__attrs_attrs__" not in vars(kind):
        raise AlleleError(
            f"{kind.__name__} is not an attrs class yet when it is registered; put "
            f"@allele_kind({tag!r}) above @attrs.frozen(repr=False), so that it is called last"
        )
    if kind.undefined:
        raise AlleleError(f"{kind.__name__} is not complete: define {', '.join(kind.undefined)}")
    if issubclass(kind, ContinuousAllele) and not isinstance(getattr(kind, "widest", None), Range):
        raise AlleleError(
            f"{kind.__name__} does not define its widest domain; write "
            "widest: ClassVar[Range] = Range(0.0, 1.0), with the limits of this kind"
        )


def registered_kinds() -> dict[str, type[AbstractAllele]]:
    """Return the kinds registered so far, by tag."""
    return dict(_KINDS)
