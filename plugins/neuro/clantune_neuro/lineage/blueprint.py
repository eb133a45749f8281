"""The blueprint of a network, which says what genes mean, and the alleles whose domain it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self
from weakref import WeakValueDictionary

import attrs
from torch import nn

from clantune_core import AbstractAllele, LogFloatAllele, allele_kind
from clantune_neuro.errors import BlueprintError, LineageError
from clantune_neuro.lineage import fingerprints, modules, reading
from clantune_neuro.lineage.distance import distance
from clantune_neuro.lineage.gene import Gene
from clantune_neuro.lineage.layout import Layout
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.lineage.strengths import STRENGTHS, require_births, require_strength
from clantune_neuro.lineage.table import table
from clantune_neuro.lineage.tensors import Birth

STRENGTH = "neuro/strength"
"""Name of the allele in metadata that holds the strength of new genes."""


@attrs.frozen(repr=False, eq=False)
class Blueprint(Layout):
    """What the genes of a network's lineages mean: one object for a whole population.

    Two blueprints are equal if the same lineage means the same weights in both. The names of the
    parameters in the module do not count, only the names that key the noise.

    Attributes:
        fingerprint: BLAKE2b-128 of all that gives a lineage its meaning, in hexadecimal.
    """

    fingerprint: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        object.__setattr__(self, "fingerprint", fingerprints.fingerprint(self))

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
            BlueprintError: The data is not a blueprint.
        """
        return domain if isinstance(domain, Blueprint) else _known(*reading.arguments(domain))

    def allele(self, seed: int, strength: float = 0.02) -> LineageAllele:
        """Return the allele of a birth from a seed.

        Args:
            seed: Seed of the birth, from 0 to 2^64 - 1.
            strength: Strength of new genes, a learnable allele in metadata, from 2^-20 to 4.

        Raises:
            StrengthError: A tensor cannot represent the strength, or its weights at birth. The
                error says what is usable.
        """
        require_births(self.tensors)
        require_strength(strength, self.tensors)
        return LineageAllele(
            Lineage.born(seed), self, metadata={STRENGTH: LogFloatAllele(strength, STRENGTHS)}
        )

    def require_same(self, other: Blueprint) -> None:
        """Check that lineages of another blueprint mean the same weights in this one.

        Raises:
            BlueprintError: They differ; the error names the first difference.
        """
        if self != other:
            raise BlueprintError(fingerprints.difference(self, other))

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


_KNOWN: WeakValueDictionary[reading.Parts, Blueprint] = WeakValueDictionary()


def _known(*parts: *reading.Parts) -> Blueprint:
    """Return the blueprint of these parts: one object for all alleles of a population."""
    found = _KNOWN.get(parts)
    if found is None:
        found = _KNOWN[parts] = Blueprint(*parts)
    return found


@allele_kind("lineage")
@attrs.frozen(repr=False)
class LineageAllele(AbstractAllele):
    """The weights of a network, as the lineage that replays them.

    The value is a `Lineage`: a text. The domain is the `Blueprint` of the network, one object for a
    whole population.
    """

    def check_domain(self, domain: Any) -> Blueprint:
        """Return the blueprint, also from its plain data."""
        return Blueprint.read(domain)

    def check_value(self, value: Any) -> Lineage:
        """Return the text as a lineage of the blueprint."""
        lineage = Lineage(value)
        self.domain.check(lineage)
        return lineage

    def with_value(self, value: Any) -> Self:
        """Return this allele with another lineage of the same blueprint."""
        return self._moved(self.check_value(value))

    def append(self, gene: Gene) -> Self:
        """Return this allele with one more gene, in a time that hardly depends on their number.

        Raises:
            LineageError: The blueprint cannot replay the gene.
        """
        if not self.domain.allows(gene):
            raise LineageError(
                f"the blueprint has no operator {gene.operator} with the argument "
                f"{gene.argument}; its table is {self.domain.operator_names}",
                gene=self.value.num_genes,
            )
        return self._moved(self.value.append(gene))

    def spliced(self, keep: int, tail: str) -> Self:
        """Return this allele with its first genes, and others after them; see `Lineage.spliced`.

        Raises:
            LineageError: The blueprint cannot replay one of the other genes.
        """
        lineage = self.value.spliced(keep, tail)
        self.domain.check(lineage, keep)
        return self._moved(lineage)

    def distance(self, other: Self) -> float:
        """Return the distance of two lineages; see `lineage.distance`."""
        return distance(self.value, other.value)
