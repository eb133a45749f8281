"""The kinds that round: continuous ones that keep the number before rounding."""

from __future__ import annotations

import abc
from typing import Any, Self

import attrs

from clantune_core.alleles.continuous import ContinuousAllele
from clantune_core.errors import AlleleError, shown


@attrs.frozen(repr=False)
class RoundedAllele(ContinuousAllele):
    """A family: continuous kinds whose values are rounded. Abstract: use one of its kinds.

    The allele keeps the number before rounding, so that steps that are too small to change the
    value add up.

    Attributes:
        position: The number before rounding; None if it equals the value.
    """

    position: float | None = attrs.field(default=None, kw_only=True)

    @abc.abstractmethod
    def round_number(self, number: float) -> float:
        """Return the value of this kind that is nearest to a number of the widest domain."""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.position is None:
            return
        position = super().check_number(self.position)
        if self.clip(position) != position or self.round_number(position) != self.value:
            raise AlleleError(
                f"position {position!r} does not round to {self.value!r} within {self.domain}"
            )
        # Equal alleles need equal fields, so a position that equals the value is None.
        object.__setattr__(self, "position", None if position == self.value else position)

    @property
    def unrounded(self) -> float:
        """The number before rounding."""
        return self.value if self.position is None else self.position

    @property
    def latent(self) -> float:
        """Where the number before rounding lies on the latent line."""
        return self.to_latent(self.unrounded)

    def with_latent(self, latent: float) -> Self:
        """Return this allele moved along its latent line, clipped to the domain and rounded."""
        if latent == self.latent:
            return self
        return self._rounded(super().check_number(self._number_at(latent)))

    def with_value(self, value: Any) -> Self:
        """Return this allele with another number, clipped to the domain and rounded."""
        return self._rounded(self.clip(super().check_number(value)))

    def check_number(self, value: object) -> float:
        """Return a number as a value of this kind.

        Raises:
            AlleleError: It is not a finite number, or not a value of this kind.
        """
        low, high = self.widest
        rounded = self.round_number(min(max(super().check_number(value), low), high))
        if rounded != value:  # the number as given: a float may have changed a large integer
            raise AlleleError(
                f"{shown(value)} is not a value of {type(self).__name__}; the nearest one is "
                f"{rounded!r}"
            )
        return rounded

    def _rounded(self, number: float) -> Self:
        value = self.clip(self.round_number(number))
        return self._replace(value=value, position=None if number == value else number)
