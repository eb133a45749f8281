"""The blueprint of a network: what the genes of its lineages mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self, TypeAlias
from weakref import WeakValueDictionary

import attrs
import numpy as np
from numpy.typing import NDArray
from torch import nn

from clantune_core import LogFloatAllele
from clantune_neuro.errors import BlueprintError, LineageError, OperatorError
from clantune_neuro.lineage import fingerprints, modules, reading
from clantune_neuro.lineage.allele import READER, LineageAllele
from clantune_neuro.lineage.form import blocks
from clantune_neuro.lineage.gene import FIRST_OPERATOR, Gene
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.lineage.table import Entry, table
from clantune_neuro.lineage.tensors import Birth, TensorSpec
from clantune_neuro.operators.registry import Operator, find_operator

STRENGTH = "neuro/strength"
"""Name of the allele in metadata that holds the strength of new genes."""

STRENGTHS = (2.0**-20, 4.0)
"""The domain of that allele."""


@attrs.frozen(repr=False, eq=False)
class Blueprint:
    """Names, shapes and exponents of the tensors of a network, and the table of operators.

    Two blueprints are equal if the same lineage means the same weights in both. The names of the
    parameters in the module do not count, only the names that key the noise.

    Attributes:
        tensors: The description of each tensor.
        operators: The table of operators. The first one has the number 2.
        bank: The names of the two tensors of a bank of rows, features and logits; empty if none.
        buffers: What happens to running statistics: `"keep"`, `"batch"`, or empty if there are
            none.
        fingerprint: BLAKE2b-128 of all that gives a lineage its meaning, in hexadecimal.
    """

    tensors: tuple[TensorSpec, ...]
    operators: tuple[Entry, ...]
    bank: tuple[str, ...] = ()
    buffers: str = ""
    fingerprint: str = attrs.field(init=False)
    _allowed: NDArray[np.bool_] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        names = [tensor.name for tensor in self.tensors]
        if not names or len({*names}) < len(names):
            raise BlueprintError(f"a blueprint needs tensors of different names; got {names}")
        if self.bank:
            _require_bank(self.bank, dict(zip(names, self.tensors, strict=True)))
        object.__setattr__(self, "fingerprint", fingerprints.fingerprint(self))
        object.__setattr__(self, "_allowed", self._allowed_arguments())

    @classmethod
    def of(
        cls,
        module: nn.Module,
        buffers: str | None = None,
        birth: str = "he",
        *,
        births: Mapping[str, Birth] | None = None,
        scales: Mapping[str, int] | None = None,
        unit: int = 24,
        bank: tuple[str, ...] = (),
        operators: Iterable[str] | Mapping[str, Mapping[str, int]] | None = None,
        renamed: Mapping[str, str] | None = None,
    ) -> Self:
        """Return the blueprint of a module: every floating parameter evolves.

        Args:
            module: The network.
            buffers: What happens to running statistics, such as those of BatchNorm: `"keep"` uses
                them as they are, `"batch"` uses the statistics of each batch. A module without
                them needs no rule.
            birth: `"he"`, `"zero"`, or `"given"` for the weights of a module or of a state.
            births: Other distributions at birth, by name of the parameter.
            scales: Other scale exponents, by name of the parameter.
            unit: Weights count in units of 2^-unit.
            bank: Names of the features and the logits of a bank of rows. By default the module's
                attribute `bank`, if it has one. The features are born as rows of norm 1.
            operators: The table of operators, in order. None: all that suit the module.
            renamed: Names that parameters had when lineages began, by their names now.

        Raises:
            BlueprintError: The module cannot evolve as asked; the error says what to do.
        """
        rule = modules.require_buffers(module, buffers)
        bank = bank or modules.bank_of(module)
        found = modules.specs(module, birth, unit, renamed or {})
        changes = {"birth": births or {}, "scale": scales or {}}
        changed = modules.changed([*found], bank, changes)
        return cls(changed, table(operators, has_bank=bool(bank)), bank, rule)

    @classmethod
    def read(cls, domain: object) -> Blueprint:
        """Return a blueprint itself, or the one in plain data. Equal data give one object.

        Raises:
            BlueprintError: The data is no blueprint.
        """
        return domain if isinstance(domain, Blueprint) else _known(*reading.arguments(domain))

    def allele(self, seed: int, strength: float = 0.02) -> LineageAllele:
        """Return the allele of a birth from a seed.

        Args:
            seed: Seed of the birth, from 0 to 2^64 - 1.
            strength: Strength of new genes, a learnable allele in metadata, from 2^-20 to 4.
        """
        return LineageAllele(
            Lineage.born(seed), self, metadata={STRENGTH: LogFloatAllele(strength, STRENGTHS)}
        )

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

    def check(self, lineage: Lineage) -> None:
        """Check that this blueprint can replay a lineage.

        Raises:
            LineageError: A gene has an unknown operator, or an argument that its operator refuses.
        """
        for first, records in blocks(lineage, lineage.num_birth):
            allowed = self._allowed[records["operator"], records["argument"]]
            if not allowed.all():
                place = int(np.argmin(allowed))
                raise LineageError(self._refusal(*records[place]), gene=first + place)

    def require_same(self, other: Blueprint) -> None:
        """Check that lineages of another blueprint mean the same weights in this one.

        Raises:
            BlueprintError: They differ; the error names the first difference.
        """
        if self != other:
            raise BlueprintError(fingerprints.difference(self, other))

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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blueprint) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_known, (self.tensors, self.operators, self.bank, self.buffers))

    def __repr__(self) -> str:
        return (
            f"<Blueprint {self.fingerprint[:12]}: {len(self.tensors)} tensors, "
            f"{self.num_weights:,} weights>"
        )


def _require_bank(bank: tuple[str, ...], tensors: Mapping[str, TensorSpec]) -> None:
    if missing := [name for name in bank if name not in tensors]:
        raise BlueprintError(f"the bank names {missing[0]!r}, which is no tensor of {[*tensors]}")
    rows = [tensors[name].rows for name in bank]
    if len(rows) != 2 or rows[0] != rows[1]:
        raise BlueprintError(
            f"a bank is two tensors with equally many rows, features and logits; {[*bank]} have "
            f"{rows}"
        )


Parts: TypeAlias = tuple[tuple[TensorSpec, ...], tuple[Entry, ...], tuple[str, ...], str]

_KNOWN: WeakValueDictionary[Parts, Blueprint] = WeakValueDictionary()


def _known(*parts: *Parts) -> Blueprint:
    """Return the blueprint of these parts: one object for all alleles of a population."""
    found = _KNOWN.get(parts)
    if found is None:
        found = _KNOWN[parts] = Blueprint(*parts)
    return found


READER.read = Blueprint.read
