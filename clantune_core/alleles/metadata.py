"""The metadata of an allele: plain data, and alleles with metadata of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clantune_core.data.frozen import FrozenDict, read_only
from clantune_core.data.plain import MAX_DEPTH, freeze, freeze_text
from clantune_core.errors import AlleleError, shown, step
from clantune_core.forests import is_allele

if TYPE_CHECKING:
    from clantune_core.alleles.base import AbstractAllele


class Metadata(FrozenDict[str, Any]):
    """Read-only metadata of an allele: plain data, or alleles.

    Attributes:
        children: The alleles among the entries, in order.
        depth: Levels of alleles below this node.
        flat: Whether entries are the values of these alleles, as handlers see them.
    """

    __slots__ = ("children", "depth", "flat")
    children: Mapping[str, AbstractAllele]
    depth: int
    flat: bool

    def __init__(self, entries: Mapping[str, object]) -> None:
        super().__init__(
            {
                _entry_name(name): entry.whole()
                if is_allele(entry)
                else freeze(entry, step("metadata", str(name)))
                for name, entry in entries.items()
            }
        )
        alleles = {n: e for n, e in self.items() if is_allele(e)}
        _know(self, alleles, _depth_over(alleles), flat=False)

    @classmethod
    def of(cls, entries: Mapping[str, object]) -> Metadata:
        """Return the entries as metadata; a `Metadata` is returned unchanged."""
        if isinstance(entries, Metadata):
            return entries
        if not isinstance(entries, Mapping):
            raise AlleleError(
                f"metadata must map names to plain data or alleles; got {shown(entries)}"
            )
        return cls(entries) if entries else NO_METADATA

    def over(self, children: Mapping[str, AbstractAllele], *, flat: bool) -> Metadata:
        """Return these entries with other alleles under the same names."""
        made = Metadata.__new__(Metadata)
        dict.update(made, self)
        dict.update(made, {n: c.value for n, c in children.items()} if flat else children)
        depth = self.depth if flat else _depth_over(children)
        _know(made, children, depth, flat=flat)
        return made

    def changed(self, entries: Mapping[str, object], leave_out: tuple[str, ...] = ()) -> Metadata:
        """Return these entries with some replaced, added or left out."""
        for name in (*entries, *leave_out):
            if self.flat and name in self.children:
                raise AlleleError(
                    f"metadata[{name!r}] is an allele: a handler can change it in the call for "
                    "that allele, but not in the call for the node above it"
                )
        kept = {n: e for n, e in {**self, **self.children}.items() if n not in leave_out}
        made = Metadata.of({**kept, **entries})
        return made.over(made.children, flat=True) if self.flat else made

    __setattr__ = __delattr__ = read_only

    def __reduce__(self) -> tuple[Any, ...]:
        return (_read_back, ({**self, **self.children}, self.flat))


def _know(
    metadata: Metadata, children: Mapping[str, AbstractAllele], depth: int, *, flat: bool
) -> None:
    for name, value in (("children", FrozenDict(children)), ("depth", depth), ("flat", flat)):
        object.__setattr__(metadata, name, value)  # only while it is created


def _depth_over(children: Mapping[str, AbstractAllele]) -> int:
    depth = 1 + max([child.metadata.depth for child in children.values()], default=-1)
    if depth > MAX_DEPTH:
        raise AlleleError(f"alleles are nested more than {MAX_DEPTH} levels deep in metadata")
    return depth


def _read_back(entries: Mapping[str, object], flat: bool) -> Metadata:
    metadata = Metadata(entries)
    return metadata.over(metadata.children, flat=True) if flat else metadata


NO_METADATA = Metadata({})


def _entry_name(name: object) -> str:
    if isinstance(name, str):
        return freeze_text(name, "metadata")
    raise AlleleError(f"a name in metadata must be a string; got {shown(name)}")
