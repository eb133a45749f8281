"""A space: which parameters there are, with their domains, tags and rules."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import attrs

from clantune_core import AbstractAllele, AlleleError, Genome, deserialize, serialize
from clantune_store.database.canonical import canonical, id_of
from clantune_store.space.declaration import Declaration
from clantune_store.space.rules import Rule, require_known
from clantune_store.space.suffixes import suffix_of


@attrs.frozen
class Fitted:
    """Values that fit a space.

    Attributes:
        values: JSON values by name, one for each parameter of the space.
        added: Parameters that had no value, and have that of the space.
        removed: Names that are not parameters of the space.
        clipped: Parameters whose value was outside the domain.
    """

    values: Mapping[str, Any] = attrs.field(hash=False)
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    clipped: tuple[str, ...] = ()


@attrs.frozen
class Space:
    """The parameters of a load, in the order of their names, and the rules between them.

    Attributes:
        parameters: Alleles by full name, with the values of the load.
        tags: Names of the inner algos that use a parameter, by full name; only where there are any.
        rules: What every group of values keeps.
    """

    parameters: Mapping[str, AbstractAllele] = attrs.field(hash=False)
    tags: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict, hash=False)
    rules: tuple[Rule, ...] = ()

    @classmethod
    def of(cls, declarations: Mapping[str, Declaration], rules: Iterable[Rule] = ()) -> Space:
        """Return the space of declarations.

        Raises:
            LoadError: A declaration has a fault.
            RuleError: A rule has a name that is not a parameter.
        """
        ordered = [declarations[name] for name in sorted(declarations)]
        rules = tuple(dict.fromkeys(rules))
        for rule in rules:
            require_known(rule, declarations)
        return cls(
            {declared.name: declared.allele() for declared in ordered},
            {declared.name: declared.tags for declared in ordered if declared.tags},
            rules,
        )

    @classmethod
    def from_document(cls, text: str) -> Space:
        """Return the space of a document.

        Raises:
            DataError: An allele in it is damaged, or of a kind that is not installed.
        """
        held = json.loads(text)
        kind: Any = AbstractAllele
        return cls(
            {name: deserialize(record, kind) for name, record in held["parameters"].items()},
            {name: tuple(tags) for name, tags in held["tags"].items()},
            tuple(Rule(**rule) for rule in held["rules"]),
        )

    @cached_property
    def document(self) -> str:
        """All of the space as a JSON text; equal spaces have the same text."""
        rules = [{"require": rule.require, "when": rule.when} for rule in self.rules]
        parameters = {name: serialize(allele) for name, allele in self.parameters.items()}
        return canonical({"parameters": parameters, "rules": rules, "tags": self.tags})

    @cached_property
    def id(self) -> uuid.UUID:
        """Id that follows from the document, so that two machines give the same one."""
        return id_of(self.document)

    @property
    def values(self) -> dict[str, Any]:
        """The values of the load, as JSON data by name."""
        return {name: suffix_of(name).stored(allele) for name, allele in self.parameters.items()}

    def fit(self, values: Mapping[str, Any]) -> Fitted:
        """Return values as this space holds them.

        New parameters get the value of the space, and those that it does not have go. A number
        outside its domain moves to the nearest end; an option that is not there is replaced by the
        value of the space.

        Args:
            values: JSON values by name.
        """
        fitted: dict[str, Any] = {}
        clipped = []
        for name, allele in self.parameters.items():
            suffix = suffix_of(name)
            fitted[name] = suffix.stored(allele)
            if name in values:
                fitted[name] = suffix.stored(_with(allele, suffix.held(values[name])))
                if fitted[name] != values[name]:
                    clipped.append(name)
        return Fitted(
            fitted,
            tuple(name for name in self.parameters if name not in values),
            tuple(sorted(values.keys() - self.parameters.keys())),
            tuple(clipped),
        )

    def genome(self, values: Mapping[str, Any]) -> Genome:
        """Return the genome of values, which are fitted before.

        Args:
            values: JSON values by name.
        """
        fitted = self.fit(values).values
        return Genome(
            {
                name: allele.with_value(suffix_of(name).held(fitted[name]))
                for name, allele in self.parameters.items()
            }
        )

    def values_of(self, genome: Genome) -> dict[str, Any]:
        """Return the values of a genome of this space, as JSON data by name."""
        return {
            name: suffix_of(name).stored(genome.alleles[name]) for name in sorted(self.parameters)
        }


def _with(allele: AbstractAllele, value: Any) -> AbstractAllele:
    """Return an allele with another value, or as it is if it cannot hold one."""
    try:
        return allele.with_value(value)
    except AlleleError:
        return allele
