"""A lineage: the text of its genes, and a digest of each of its prefixes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clantune_neuro.errors import LineageError
from clantune_neuro.lineage.form import FIELDS, GIVEN_RECORDS, require_form
from clantune_neuro.lineage.gene import BIRTH, CHARACTERS, GIVEN, RECORD, Gene

DIGEST_BYTES = 16


class Prefix:
    """A prefix of a lineage, which children share with their parents.

    Attributes:
        parent: The prefix that is one gene shorter; None for the first gene.
        digest: BLAKE2b-128 of the parent's digest and the 12 bytes of the last gene.
    """

    __slots__ = ("digest", "parent")

    parent: Prefix | None
    digest: bytes

    def __init__(self, parent: Prefix | None, record: bytes) -> None:
        self.parent = parent
        before = b"" if parent is None else parent.digest
        self.digest = hashlib.blake2b(before + record, digest_size=DIGEST_BYTES).digest()


class Lineage(str):
    """A birth and the genes after it, as a text of 16 characters per gene.

    It is a string of a known form: plain data, equal to the same text and hashed like it. The text
    alone does not say which operators exist: that is the blueprint's table.

    Attributes:
        last: The whole lineage as a prefix; None before the digests are needed.
    """

    __slots__ = ("last",)

    last: Prefix | None

    def __new__(cls, text: str) -> Self:
        """Check the form of a text.

        Raises:
            LineageError: It is no text of genes, or its births are not at its start alone.
        """
        if isinstance(text, cls):
            return text
        require_form(text)
        return cls._of(text)

    @classmethod
    def _of(cls, text: str) -> Self:
        """Return a lineage whose form is known to be right."""
        made = str.__new__(cls, text)
        made.last = None
        return made

    @classmethod
    def born(cls, seed: int) -> Self:
        """Return the lineage of a birth from a seed."""
        return cls._of(Gene(BIRTH, seed=seed).text)

    @classmethod
    def given(cls, sha256: str) -> Self:
        """Return the lineage of a birth from given weights.

        Args:
            sha256: The hash of the weights, as 64 hexadecimal digits.
        """
        name = bytes.fromhex(sha256)
        seeds = [int.from_bytes(name[8 * i : 8 * i + 8], "little") for i in range(GIVEN_RECORDS)]
        return cls._of("".join(Gene(GIVEN, i, seed=seed).text for i, seed in enumerate(seeds)))

    def append(self, gene: Gene) -> Self:
        """Return this lineage with one more gene. It shares its prefixes with this one.

        Raises:
            LineageError: The gene is a birth.
        """
        if gene.operator in (BIRTH, GIVEN):
            raise LineageError("a birth in the middle of a lineage", gene=self.num_genes)
        made = self._of(self + gene.text)
        if self.last is not None:
            made.last = Prefix(self.last, gene.record)
        return made

    @property
    def num_genes(self) -> int:
        """Number of records, including those of the birth."""
        return len(self) // CHARACTERS

    @property
    def num_birth(self) -> int:
        """Number of records of the birth: 1 from a seed, 4 from given weights."""
        return GIVEN_RECORDS if self.gene(0).operator == GIVEN else 1

    @property
    def given_name(self) -> str | None:
        """SHA-256 of the birth's given weights, in hexadecimal; None for a birth from a seed."""
        if self.num_birth == 1:
            return None
        seeds = (self.gene(number).seed for number in range(GIVEN_RECORDS))
        return b"".join(seed.to_bytes(8, "little") for seed in seeds).hex()

    @property
    def records(self) -> NDArray[Any]:
        """All genes as a structured array with the fields of `Gene`."""
        return np.frombuffer(base64.b64decode(self), dtype=FIELDS)

    def gene(self, number: int) -> Gene:
        """Return the gene with this number, from 0."""
        text = self[CHARACTERS * number : CHARACTERS * (number + 1)]
        return Gene.unpack(base64.b64decode(text))

    def genes(self, start: int = 0) -> list[Gene]:
        """Return the genes from a number on."""
        data = base64.b64decode(self[CHARACTERS * start :])
        return [Gene(*fields) for fields in RECORD.iter_unpack(data)]

    def prefixes(self) -> Iterator[tuple[int, bytes]]:
        """Yield the length in genes and the digest of each prefix, longest first."""
        prefix: Prefix | None = self.whole()
        length = self.num_genes
        while prefix is not None:
            yield length, prefix.digest
            length, prefix = length - 1, prefix.parent

    def whole(self) -> Prefix:
        """Return the whole lineage as a prefix, and compute its digests if it has none."""
        if self.last is None:
            self.last = _chain(base64.b64decode(self))
        return self.last

    def share(self, parent: Prefix) -> None:
        """Take over the digests of the same lineage without its last gene."""
        self.last = Prefix(parent, self.gene(self.num_genes - 1).record)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Lineage, (str(self),))


def _chain(data: bytes) -> Prefix:
    last = Prefix(None, data[: RECORD.size])
    for start in range(RECORD.size, len(data), RECORD.size):
        last = Prefix(last, data[start : start + RECORD.size])
    return last
