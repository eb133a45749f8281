"""The history of a run: one line of `history.jsonl` per generation.

A line contains no times, so the histories of equal runs are equal byte for byte. A member's lineage
is what it keeps of its dominant parent's lineage, and the genes after that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import NoneType
from typing import Any

import attrs

from clantune_core import Genome
from clantune_neuro.evaluation.chunks import Halving
from clantune_neuro.evaluation.record import Record
from clantune_neuro.lineage.gene import CHARACTERS
from clantune_neuro.run.compacting import Compaction
from clantune_neuro.run.files import require_entries
from clantune_neuro.run.members import lineage_of
from clantune_neuro.run.progress import Progress

NAME = "history.jsonl"


@attrs.frozen
class Past:
    """A member of a generation.

    Attributes:
        parents: The rank and the share of each parent that contributes; empty for a birth.
        kept: Number of genes that it keeps from the beginning of its dominant parent's lineage.
        added: The genes after these, as text.
        base: Its base score, higher is better; None for a dead member.
        intrinsic: Its intrinsic score.
        born: Generation in which its lineage first had these genes.
    """

    parents: tuple[tuple[int, float], ...]
    kept: int
    added: str
    base: float | None
    intrinsic: float
    born: int

    @property
    def dominant(self) -> int | None:
        """The rank that contributes most, the lowest of equal ones; None for a birth."""
        return max(self.parents, key=lambda part: (part[1], -part[0]))[0] if self.parents else None

    @property
    def record(self) -> Record:
        """Its record, without the trace."""
        return Record(self.base, self.intrinsic, self.born)

    def lineage(self, parent: str) -> str:
        """Return its lineage.

        Args:
            parent: The lineage of its dominant parent, compacted as the line says; empty for a
                birth.
        """
        return parent[: CHARACTERS * self.kept] + self.added


@attrs.frozen
class Line:
    """A generation in the history.

    Attributes:
        generation: Its number.
        evaluations: Number of networks evaluated since the run began.
        frames: Number of game frames since the run began.
        halvings: The passes that did not fit into memory.
        birth: The birth that genes of all parents became before this generation; empty if none did.
        genes: The genes that it replaced.
        members: The members, in rank order.
    """

    generation: int
    evaluations: int
    frames: int
    halvings: tuple[Halving, ...]
    birth: str
    genes: str
    members: tuple[Past, ...]

    @classmethod
    def of(
        cls,
        progress: Progress,
        before: Sequence[Genome],
        halvings: tuple[Halving, ...] = (),
        compaction: Compaction | None = None,
    ) -> Line:
        """Return the line of a generation.

        Args:
            progress: The evaluated generation.
            before: The population that it was bred from.
            halvings: The passes that did not fit into memory.
            compaction: How that population's lineages became short, if they did.
        """
        texts = [str(lineage_of(member)) for member in before]
        return cls(
            progress.generation,
            progress.evaluations,
            progress.frames,
            halvings,
            "" if compaction is None else compaction.birth,
            "" if compaction is None else compaction.genes,
            tuple(_past(member, texts) for member in progress.population),
        )

    def parents(self, lineages: Sequence[str]) -> list[str]:
        """Return the lineages of the generation before, compacted if its members were."""
        if not self.birth:
            return [*lineages]
        return [self.birth + lineage[len(self.genes) :] for lineage in lineages]

    def uncompacted(self, lineage: str) -> str:
        """Return a lineage of this generation as it was without this generation's compaction."""
        return self.genes + lineage[len(self.birth) :]

    def text(self) -> str:
        """Return the line, with its line break. Scores are hexadecimal floats."""
        data = attrs.asdict(self) | {"members": [_plain(member) for member in self.members]}
        return json.dumps(data, separators=(",", ":"), allow_nan=False) + "\n"

    @classmethod
    def read(cls, text: str | bytes) -> Line:
        """Return the generation in a line.

        Raises:
            ValueError: It is not JSON, or an entry is missing.
            TypeError: It is not a line of a history.
        """
        data = json.loads(text)
        require_entries("a line", data, _LINE)
        members = tuple(map(_read_past, data.pop("members")))
        halvings = tuple(Halving(**halving) for halving in data.pop("halvings"))
        return cls(**data, halvings=halvings, members=members)


def _past(member: Genome, before: Sequence[str]) -> Past:
    record, text, parents = Record.of(member), str(lineage_of(member)), member.parents
    kept = 0 if parents is None else _common(text, before[parents.dominant])
    return Past(
        () if parents is None else parents.contributors,
        kept,
        text[CHARACTERS * kept :],
        record.base,
        record.intrinsic,
        record.born,
    )


def _common(one: str, other: str) -> int:
    """Return the number of genes that two lineages begin with in common."""
    low, high = 0, min(len(one), len(other)) // CHARACTERS
    if one.startswith(other[: high * CHARACTERS]):  # nearly always: a child appends a gene
        return high
    while low < high:
        middle = (low + high + 1) // 2
        if one.startswith(other[: middle * CHARACTERS]):
            low = middle
        else:
            high = middle - 1
    return low


def _plain(member: Past) -> dict[str, Any]:
    base = None if member.base is None else member.base.hex()
    return attrs.asdict(member) | {"base": base, "intrinsic": member.intrinsic.hex()}


_LINE = {
    "generation": (int,),
    "evaluations": (int,),
    "frames": (int,),
    "halvings": (list,),
    "birth": (str,),
    "genes": (str,),
    "members": (list,),
}
_PAST = {
    "parents": (list,),
    "kept": (int,),
    "added": (str,),
    "base": (str, NoneType),
    "intrinsic": (str,),
    "born": (int,),
}


def _read_past(data: dict[str, Any]) -> Past:
    require_entries("a member", data, _PAST)
    base, intrinsic = data.pop("base"), data.pop("intrinsic")
    return Past(
        parents=tuple((rank, share) for rank, share in data.pop("parents")),
        base=None if base is None else float.fromhex(base),
        intrinsic=float.fromhex(intrinsic),
        **data,
    )
