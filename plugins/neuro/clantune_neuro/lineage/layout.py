"""The data of a blueprint: its tensors, its operators, and the genes that it can replay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs
import numpy as np
from numpy.typing import NDArray

from clantune_neuro.errors import BlueprintError, LineageError, OperatorError
from clantune_neuro.lineage.form import blocks
from clantune_neuro.lineage.gene import FIRST_OPERATOR, Gene
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.lineage.registry import Operator, find_operator
from clantune_neuro.lineage.table import Entry, require_table
from clantune_neuro.lineage.tensors import LARGEST_SIZE, TensorSpec, require_integer

BUFFERS = ("keep", "batch")
"""What can happen to running statistics: keep them as they are, or use those of each batch."""


@attrs.frozen(repr=False, eq=False)
class Layout:
    """Names, shapes and exponents of the tensors of a network, and the table of operators.

    Attributes:
        tensors: The description of each tensor.
        operators: The table of operators. The first one has the number 2.
        bank: The names of the two tensors of a bank of rows, features and logits; empty if none.
        buffers: What happens to running statistics: `"keep"`, `"batch"`, or empty if there are
            none.
    """

    tensors: tuple[TensorSpec, ...]
    operators: tuple[Entry, ...]
    bank: tuple[str, ...] = ()
    buffers: str = ""
    _allowed: NDArray[np.bool_] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        names = [tensor.name for tensor in self.tensors]
        if not names or len({*names}) < len(names):
            raise BlueprintError(f"a blueprint needs tensors of different names; got {names}")
        _require_origins(self.tensors)
        require_integer("the number of all weights", self.num_weights, 1, LARGEST_SIZE)
        require_table(self.operators)
        if self.buffers not in ("", *BUFFERS):
            raise BlueprintError(f'buffers must be "keep" or "batch"; got {self.buffers!r}')
        if self.bank:
            _require_bank(self.bank, dict(zip(names, self.tensors, strict=True)))
        object.__setattr__(self, "_allowed", self._allowed_arguments())

    @property
    def num_weights(self) -> int:
        """Number of weights of the network."""
        return sum(tensor.size for tensor in self.tensors)

    @property
    def operator_names(self) -> list[str]:
        """Names of the operators, in the order of their numbers."""
        return [entry.name for entry in self.operators]

    def number_of(self, operator: str) -> int:
        """Return the number of an operator.

        Raises:
            OperatorError: The table does not have it.
        """
        if operator not in self.operator_names:
            raise OperatorError(
                f"the blueprint has no operator {operator!r}; it has "
                f"{', '.join(self.operator_names)}; pass operators=[...] to Blueprint.of",
                name=operator,
            )
        return self.operator_names.index(operator) + FIRST_OPERATOR

    def entry(self, number: int) -> Entry:
        """Return the entry of the table with an operator number."""
        return self.operators[number - FIRST_OPERATOR]

    def operator(self, number: int) -> Operator:
        """Return the operator with a number."""
        return find_operator(self.entry(number).name)

    def index_of(self, name: str) -> int:
        """Return the place of a tensor."""
        return [tensor.name for tensor in self.tensors].index(name)

    def allows(self, gene: Gene) -> bool:
        """Return whether this blueprint can replay a gene, by its operator and argument."""
        return bool(self._allowed[gene.operator, gene.argument])

    def check(self, lineage: Lineage, start: int = 0) -> None:
        """Check that this blueprint can replay a lineage.

        Args:
            lineage: The lineage.
            start: Number of genes at its beginning that are known to be right.

        Raises:
            LineageError: A gene has an unknown operator, or an argument that its operator refuses.
        """
        for first, records in blocks(lineage, max(start, lineage.num_birth)):
            allowed = self._allowed[records["operator"], records["argument"]]
            if not allowed.all():
                place = int(np.argmin(allowed))
                raise LineageError(self._refusal(*records[place]), gene=first + place)

    def _refusal(self, number: int, argument: int, *_: object) -> str:
        names = dict(enumerate(self.operator_names, FIRST_OPERATOR))
        if number in names:
            return f"the operator {names[number]!r} does not take the argument {argument}"
        known = ", ".join(f"{known} {name}" for known, name in names.items())
        return f"the operator number {number} is unknown; the numbers are {known}"

    def _allowed_arguments(self) -> NDArray[np.bool_]:
        allowed = np.zeros((256, 256), dtype=np.bool_)
        for number, entry in enumerate(self.operators, FIRST_OPERATOR):
            allowed[number, [*find_operator(entry.name).arguments(self)]] = True
        return allowed


def _require_origins(tensors: Iterable[TensorSpec]) -> None:
    first: dict[str, TensorSpec] = {}
    for tensor in tensors:
        other = first.setdefault(tensor.origin, tensor)
        if other is not tensor:
            raise BlueprintError(
                f"{other.name!r} and {tensor.name!r} have the same origin {tensor.origin!r}, so "
                "they would have the same noise; give each a name of its own in renamed={...}",
                tensor=tensor.name,
            )


def _require_bank(bank: tuple[str, ...], tensors: Mapping[str, TensorSpec]) -> None:
    if missing := [name for name in bank if name not in tensors]:
        raise BlueprintError(f"the bank names {missing[0]!r}, which is not one of {[*tensors]}")
    rows = [tensors[name].rows for name in bank]
    if len(rows) != 2 or rows[0] != rows[1]:
        raise BlueprintError(
            f"a bank is two tensors with equally many rows, features and logits; {[*bank]} have "
            f"{rows}"
        )
