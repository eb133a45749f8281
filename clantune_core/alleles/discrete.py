"""The discrete family: kinds with choices and no metric, and the two that are built in."""

from __future__ import annotations

from typing import Any, Self

import attrs

from clantune_core.alleles.base import AbstractAllele
from clantune_core.alleles.kinds import allele_kind
from clantune_core.data.plain import freeze_text
from clantune_core.errors import AlleleError, shown


class DiscreteAllele(AbstractAllele):
    """A family: one of several choices, with no metric. Abstract: use one of its kinds."""

    __slots__ = ()

    @property
    def choices(self) -> tuple[Any, ...]:
        """All values that this allele may take, in the order of its domain."""
        return tuple(self.domain)

    def with_value(self, value: Any) -> Self:
        """Return this allele with another of its choices."""
        return self._moved(self.check_value(value))

    def check_value(self, value: Any) -> Any:
        """Return the choice that equals the value."""
        for choice in self.domain:
            if isinstance(value, type(choice)) and choice == value:  # 1 is not True here
                return choice
        raise AlleleError(
            f"{shown(value)} is not among the choices {shown([*self.domain], 400)} of this "
            f"{type(self).__name__}"
        )

    def check_choices(self, domain: object, wanted: type) -> tuple[Any, ...]:
        """Return a domain of distinct choices of one type; a kind calls this in `check_domain`.

        Raises:
            AlleleError: The domain is not a list of such choices.
        """
        if (
            isinstance(domain, tuple | list)
            and domain
            and all(isinstance(choice, wanted) for choice in domain)
            and len(set(domain)) == len(domain)
        ):
            return tuple(domain)
        raise AlleleError(
            f"a domain of {type(self).__name__} must be a tuple of distinct {wanted.__name__} "
            f"values; got {shown(domain)}"
        )


@allele_kind("bool")
@attrs.frozen(repr=False)
class BoolAllele(DiscreteAllele):
    """A flag."""

    def check_domain(self, domain: Any) -> tuple[bool, ...]:
        """Return the choices: both, unless the domain leaves one out."""
        if domain is None:
            return (False, True)
        return self.check_choices(domain, bool)


@allele_kind("string")
@attrs.frozen(repr=False)
class StringAllele(DiscreteAllele):
    """One of several names."""

    def check_domain(self, domain: Any) -> tuple[str, ...]:
        """Return the choices. This kind has no default."""
        if domain is None:
            raise AlleleError('StringAllele needs its choices: domain=("cosine", "linear", ...)')
        return tuple(freeze_text(choice, "domain") for choice in self.check_choices(domain, str))
