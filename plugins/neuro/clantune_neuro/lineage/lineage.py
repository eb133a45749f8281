"""A lineage: the text of its genes, and digests of its prefixes."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clantune_neuro.errors import LineageError
from clantune_neuro.lineage.form import FIELDS, GIVEN_RECORDS, require_form
from clantune_neuro.lineage.gene import BIRTH, CHARACTERS, GIVEN, RECORD, Gene

DIGEST_BYTES = 16

SPAN = 64
"""Number of genes after which a digest is kept, so that those of a long lineage cost little."""


class Lineage(str):
    """A birth and the genes after it, as a text of 16 characters per gene.

    It is a string of a known form: plain data, equal to the same text and hashed like it. The text
    alone does not say which operators exist: that is the blueprint's table.

    Attributes:
        spans: The digests after each span of genes, one after the other, as far as they were
            needed.
    """

    __slots__ = ("spans",)

    spans: bytes

    def __new__(cls, text: str) -> Self:
        """Check the form of a text.

        Raises:
            LineageError: It is not a text of genes, or a birth is not at its start.
        """
        if isinstance(text, cls):
            return text
        require_form(text)
        return cls._of(text)

    @classmethod
    def _of(cls, text: str) -> Self:
        """Return a lineage whose form is known to be right."""
        made = str.__new__(cls, text)
        made.spans = b""
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
        """Return this lineage with one more gene. It shares the digests of this one.

        Raises:
            LineageError: The gene is a birth.
        """
        if gene.operator in (BIRTH, GIVEN):
            raise LineageError("a birth in the middle of a lineage", gene=self.num_genes)
        made = self._of(self + gene.text)
        made.spans = self.spans
        return made

    def spliced(self, keep: int, tail: str) -> Self:
        """Return the first genes of this lineage, and others after them.

        It shares the digests of the kept genes with this one.

        Args:
            keep: Number of genes to keep, at least those of the birth.
            tail: The text of the other genes, from another lineage; none of them is a birth.
        """
        text = self[: CHARACTERS * keep] + tail
        if text == self:
            return self
        made = self._of(text)
        made.spans = self.spans[: keep // SPAN * DIGEST_BYTES]
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

    def digest(self, length: int) -> bytes:
        """Return the digest of the first `length` genes, equal in all lineages that begin so.

        It is the BLAKE2b-128 of the genes after the last whole span, and of that span's digest
        before them.
        """
        number = length // SPAN
        before = self._digests(number)[-DIGEST_BYTES:]
        return before if length == number * SPAN else _hashed(before, self._data(number, length))

    def _digests(self, number: int) -> bytes:
        """Return the digests after the first spans, and compute those that are not known."""
        known = len(self.spans) // DIGEST_BYTES
        if known < number:
            found = [self.spans]
            data = self._data(known, number * SPAN)
            for start in range(0, len(data), SPAN * RECORD.size):
                part = data[start : start + SPAN * RECORD.size]
                found.append(_hashed(found[-1][-DIGEST_BYTES:], part))
            self.spans = b"".join(found)
        return self.spans[: number * DIGEST_BYTES]

    def _data(self, span: int, end: int) -> bytes:
        """Return the records from the start of a span to a gene."""
        return base64.b64decode(self[span * SPAN * CHARACTERS : end * CHARACTERS])

    def __reduce__(self) -> tuple[Any, ...]:
        return (Lineage, (str(self),))


def _hashed(before: bytes, records: bytes) -> bytes:
    return hashlib.blake2b(before + records, digest_size=DIGEST_BYTES).digest()
