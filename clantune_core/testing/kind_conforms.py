"""Applying the laws for kinds to a class: with pytest, or without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import find, settings
from hypothesis import strategies as st

from clantune_core.alleles import AbstractAllele
from clantune_core.errors import ClanTuneError
from clantune_core.testing.alleles import numbers, shares
from clantune_core.testing.items import Decorator, as_items
from clantune_core.testing.kind_laws import EVERY, RULES, KindCase, families
from clantune_core.testing.laws import Law


def all_kind_laws() -> dict[str, str]:
    """Return the sentence of every law for kinds by its name."""
    return RULES.sentences()


def kind_laws(instances: st.SearchStrategy[AbstractAllele]) -> list[Law]:
    """Return the laws that apply to a kind of alleles, for use without pytest.

    Args:
        instances: A hypothesis strategy for alleles of one kind, such as `alleles(MyKind)`.

    Raises:
        ClanTuneError: The instances are not alleles.
    """
    kind = _kind_of(instances)
    alike = instances.map(lambda allele: _require_kind(kind, allele))
    drawn = alike if families(kind) == {EVERY} else st.none()
    cases = st.builds(KindCase, alike, drawn, shares, numbers)
    return [Law.of(rule, cases) for rule in RULES.values() if rule.applies_to & families(kind)]


def kind_conforms(
    instances: st.SearchStrategy[AbstractAllele],
    *,
    expected_failures: Mapping[str, str] | None = None,
) -> Decorator:
    """Make a test function that takes `law` into one pytest item for each law for kinds.

    Args:
        instances: A hypothesis strategy for alleles of one kind, such as `alleles(MyKind)`.
        expected_failures: Reasons by the names of the laws that the kind breaks by design. Each of
            these laws is tried and must fail.

    Raises:
        ClanTuneError: A name is unknown, or the instances are not alleles.
    """
    return as_items(kind_laws(instances), expected_failures)


def _kind_of(instances: object) -> type[AbstractAllele]:
    if not isinstance(instances, st.SearchStrategy):
        raise ClanTuneError(
            f"kind_conforms takes a hypothesis strategy, such as alleles(MyKind) or "
            f"st.builds(MyKind, ...); got {instances!r}"
        )
    few = settings(database=None, max_examples=10)
    example: Any = find(instances, lambda _: True, settings=few)
    if not isinstance(example, AbstractAllele):
        raise ClanTuneError(
            f"{example!r} is not an allele: its class does not derive from AbstractAllele"
        )
    return type(example)


def _require_kind(kind: type[AbstractAllele], allele: AbstractAllele) -> AbstractAllele:
    if type(allele) is not kind:
        raise ClanTuneError(
            f"the laws test one kind at a time; these alleles are {kind.__name__} and "
            f"{type(allele).__name__}; write a test for each"
        )
    return allele
