"""The integer weights of one network while genes change them."""

from __future__ import annotations

import hashlib
from typing import Self

import torch

from clantune_neuro.errors import RangeError
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.noise.sources import Source
from clantune_neuro.replay.integers import row_norms

LIMIT = 2**30
"""A weight has less units than this, so that adding a step of less units cannot wrap around."""


class State:
    """Integers of type int32, one tensor for each of the blueprint, and what operators keep beside.

    Attributes:
        blueprint: The blueprint.
        source: Where noise comes from.
        tensors: The weights, in units of 2^-unit of each tensor.
        extras: What operators remember, such as learned rates, by name.
    """

    __slots__ = ("_bounds", "blueprint", "extras", "source", "tensors")

    def __init__(
        self,
        blueprint: Blueprint,
        source: Source,
        tensors: list[torch.Tensor],
        extras: dict[str, torch.Tensor] | None = None,
    ) -> None:
        """Take over the tensors.

        Raises:
            RangeError: A weight is out of range.
        """
        self.blueprint = blueprint
        self.source = source
        self.tensors = tensors
        self.extras = extras or {}
        self._bounds = [0] * len(tensors)  # no weight of a tensor is larger than its bound
        self.measure()

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.tensors[index]

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return sum(each.nbytes for each in (*self.tensors, *self.extras.values()))

    def copy(self) -> Self:
        """Return a state with tensors of its own."""
        made = object.__new__(type(self))
        made.blueprint = self.blueprint
        made.source = self.source
        made.tensors = [tensor.clone() for tensor in self.tensors]
        made.extras = {name: extra.clone() for name, extra in self.extras.items()}
        made._bounds = [*self._bounds]
        return made

    def add(self, index: int, step: torch.Tensor, largest: int, start: int = 0) -> None:
        """Add a step to consecutive weights of a tensor.

        Args:
            index: Place of the tensor.
            step: Integers, flat.
            largest: No integer of the step is larger; less than 2^30.
            start: Place of the first weight in the flat tensor.

        Raises:
            RangeError: A weight leaves its range, or the step is too large.
        """
        if largest >= LIMIT:
            raise self._out_of_range(index, largest)
        self.tensors[index].view(-1)[start : start + step.numel()].add_(step)
        sure = self.has_room(index, largest)
        self._bounds[index] += largest
        if not sure:
            self.measure(index)

    def has_room(self, index: int, largest: int) -> bool:
        """Return whether a step is sure to leave all weights of a tensor in their range.

        Args:
            index: Place of the tensor.
            largest: No integer of the step is larger.
        """
        return self._bounds[index] + largest < LIMIT

    def put(self, index: int, values: torch.Tensor, start: int = 0) -> None:
        """Replace consecutive weights of a tensor.

        Args:
            index: Place of the tensor.
            values: Integers of type int64, flat.
            start: Place of the first weight in the flat tensor.

        Raises:
            RangeError: A weight leaves its range.
        """
        largest = _largest(values)
        if largest >= LIMIT:
            raise self._out_of_range(index, largest)
        self.tensors[index].view(-1)[start : start + values.numel()].copy_(values)
        self._bounds[index] = max(self._bounds[index], largest)

    def rows(self, index: int) -> torch.Tensor:
        """Return a tensor as rows, in int64."""
        spec = self.blueprint.tensors[index]
        return self.tensors[index].view(spec.rows, spec.columns).to(torch.int64)

    def norms(self, index: int, rows: torch.Tensor) -> torch.Tensor:
        """Return the norms of rows of a tensor, rounded down, as int64.

        Raises:
            RangeError: A norm has 2^31 units or about as many.
        """
        found = row_norms(rows)
        if found is None:
            raise self._out_of_range(index, 2 * LIMIT)
        return found

    @property
    def sha256(self) -> str:
        """SHA-256 of the integers, little-endian, tensor after tensor, in hexadecimal."""
        found = hashlib.sha256()
        for tensor in self.tensors:
            found.update(tensor.cpu().numpy().astype("<i4", copy=False).tobytes())
        for name in sorted(self.extras):
            extra = self.extras[name].cpu().numpy()
            found.update(name.encode() + extra.astype(extra.dtype.newbyteorder("<")).tobytes())
        return found.hexdigest()

    def measure(self, index: int | None = None) -> None:
        """Check the range of one tensor, or of all, after a change that this state has not seen.

        Raises:
            RangeError: A weight is out of range.
        """
        for place in range(len(self.tensors)) if index is None else (index,):
            largest = _largest(self.tensors[place])
            if largest >= LIMIT:
                raise self._out_of_range(place, largest)
            self._bounds[place] = largest

    def _out_of_range(self, index: int, largest: int) -> RangeError:
        spec = self.blueprint.tensors[index]
        return RangeError(
            f"a weight, step or norm of {spec.name!r} reaches {largest / 2**spec.unit:.6g}; a "
            f"weight must be below {LIMIT / 2**spec.unit:.6g}; use smaller strengths, the operator "
            "'norm', or a smaller unit",
            tensor=spec.name,
        )


def _largest(values: torch.Tensor) -> int:
    low, high = torch.aminmax(values)
    return max(-int(low), int(high))
