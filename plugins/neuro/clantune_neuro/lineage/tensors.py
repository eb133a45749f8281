"""What a blueprint says about one tensor: its name, shape, exponents and birth."""

from __future__ import annotations

import math

import attrs

from clantune_neuro.errors import BlueprintError
from clantune_neuro.noise.philox import key_of

LARGEST_SIZE = 2**33
"""The largest number of weights of a tensor."""

BIRTHS = ("normal", "unit", "constant", "given")
"""Names of the distributions at birth."""


def require_integer(what: str, number: object, low: int, high: int) -> None:
    """Raise a `BlueprintError` unless a number is an integer within limits."""
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
        raise BlueprintError(f"{what} must be an integer from {low} to {high}; got {number!r}")


@attrs.frozen
class Birth:
    """The distribution of a tensor's weights at birth.

    Attributes:
        kind: `"normal"`; `"unit"`, normal rows scaled to norm 1; `"constant"`; or `"given"`, for
            weights that only a birth from given weights has.
        number: For `"normal"` the standard deviation 2^(number / 64). For `"constant"` the value,
            in units of the tensor. Otherwise 0.
    """

    kind: str
    number: int = 0

    def __attrs_post_init__(self) -> None:
        if self.kind not in BIRTHS:
            raise BlueprintError(
                f"{self.kind!r} is not a distribution at birth; use {', '.join(BIRTHS)}"
            )
        require_integer("the number of a birth", self.number, -(2**30) + 1, 2**30 - 1)


@attrs.frozen
class TensorSpec:
    """One tensor of a network.

    Attributes:
        name: Name of the parameter in the module.
        shape: Its shape.
        unit: Weights count in units of 2^-unit; from 8 to 30. Their range is 2^(30 - unit).
        scale: A step has the standard deviation strength x 2^scale; from -30 to 8.
        birth: The distribution at birth.
        origin: The name that keys the noise: that of the parameter when lineages began.
    """

    name: str
    shape: tuple[int, ...]
    unit: int = 24
    scale: int = 0
    birth: Birth = Birth("normal")
    origin: str = attrs.field(
        default=attrs.Factory(lambda self: self.name, takes_self=True), kw_only=True
    )

    def __attrs_post_init__(self) -> None:
        for text in (self.name, self.origin):
            if not text:
                raise BlueprintError("the name of a tensor must not be empty")
        for size in self.shape:
            require_integer(f"a size of {self.name!r}", size, 1, LARGEST_SIZE)
        require_integer(f"the number of weights of {self.name!r}", self.size, 1, LARGEST_SIZE)
        require_integer(f"the unit exponent of {self.name!r}", self.unit, 8, 30)
        require_integer(f"the scale exponent of {self.name!r}", self.scale, -30, 8)

    @property
    def size(self) -> int:
        """Number of weights."""
        return math.prod(self.shape)

    @property
    def rows(self) -> int:
        """Number of rows: of outputs, where the tensor is a matrix or a bank of filters."""
        return self.shape[0] if self.shape else 1

    @property
    def columns(self) -> int:
        """Number of weights per row."""
        return self.size // self.rows

    @property
    def is_matrix(self) -> bool:
        """Whether it has rows of several weights, by its shape."""
        return len(self.shape) > 1

    def key(self, purpose: str = "") -> int:
        """Return the key of this tensor's noise."""
        return key_of(self.origin, purpose)
