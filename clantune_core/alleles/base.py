"""The allele itself: a frozen value with a domain, two flags and a tree of metadata."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, TypeVar

import attrs

from clantune_core import trees
from clantune_core.alleles.metadata import NO_METADATA, Metadata
from clantune_core.context import Context
from clantune_core.errors import AlleleError, shown
from clantune_core.forests import Node

R = TypeVar("R")


def _to_metadata(entries: Mapping[str, object]) -> Metadata:
    return Metadata.of(entries)


FIELDS = ("value", "domain", "can_mutate", "can_crossbreed", "metadata")
"""The fields of every allele, in order."""


# Without the metaclass of `abc`, because strategies call `isinstance(allele, ContinuousAllele)` for
# every node: with that metaclass, the call takes six times as long.
@attrs.frozen(repr=False)
class AbstractAllele(Node):
    """One genetic parameter.

    A new kind derives from a family: `ContinuousAllele`, `RoundedAllele` or `DiscreteAllele`. A
    kind that fits none of them derives from this class.

    Attributes:
        value: The parameter itself.
        domain: The values that it may take, in the form of its kind.
        can_mutate: Whether mutation may change it.
        can_crossbreed: Whether crossbreeding may change it.
        metadata: Read-only mapping of names to plain data or to alleles.
    """

    kind: ClassVar[str] = ""
    """The kind's tag in saved data, given by `allele_kind`."""

    _added: ClassVar[tuple[str, ...]] = ()
    """Fields that a kind adds to those of every allele."""

    undefined: ClassVar[tuple[str, ...]] = ("check_domain", "check_value", "with_value")
    """Abstract methods that a kind does not define."""

    value: Any
    domain: Any = None
    can_mutate: bool = attrs.field(default=True, kw_only=True)
    can_crossbreed: bool = attrs.field(default=True, kw_only=True)
    metadata: Metadata = attrs.field(default=NO_METADATA, kw_only=True, converter=_to_metadata)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        held = ((name, inspect.getattr_static(cls, name)) for name in dir(cls))
        cls.undefined = tuple(n for n, h in held if getattr(h, "__isabstractmethod__", False))

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        cls._added = tuple(field.name for field in attrs.fields(cls)[len(FIELDS) :])

    def __attrs_post_init__(self) -> None:
        if self.undefined:
            raise AlleleError(
                f"{type(self).__name__} is abstract: it does not define "
                f"{', '.join(self.undefined)}; use one of its kinds, such as FloatAllele, or "
                "define these methods"
            )
        for field, check in (("domain", self.check_domain), ("value", self.check_value)):
            try:
                object.__setattr__(self, field, check(getattr(self, field)))
            except AlleleError as error:
                error.field = field
                raise
        for flag, held in (
            ("can_mutate", self.can_mutate),
            ("can_crossbreed", self.can_crossbreed),
        ):
            if not isinstance(held, bool):
                raise AlleleError(f"{flag} must be True or False; got {shown(held)}")

    @abc.abstractmethod
    def check_domain(self, domain: Any) -> Any:
        """Return the domain in the form of this kind; None stands for the widest one.

        Raises:
            AlleleError: It is not a domain of this kind.
        """

    @abc.abstractmethod
    def check_value(self, value: Any) -> Any:
        """Return the value in the type of this kind.

        Raises:
            AlleleError: It has the wrong type, is not finite, or lies outside the domain.
        """

    @abc.abstractmethod
    def with_value(self, value: Any) -> Self:
        """Return this allele with another value. Continuous kinds clip it, other kinds check it."""

    def distance(self, other: Self) -> float:
        """Return how far apart two alleles of one gene are: 0 for equal values, 1 for others.

        The distance is never negative, the same in both directions, and 0 from an allele to itself.
        """
        return float(self.value != other.value)

    def with_metadata(self, entries: Mapping[str, object] = NO_METADATA, /, **more: object) -> Self:
        """Return this allele with entries added to its metadata, or replaced in it."""
        return self._replace(metadata=self.metadata.changed({**entries, **more}))

    def without_metadata(self, *names: str) -> Self:
        """Return this allele without some entries of its metadata.

        Raises:
            AlleleError: An entry does not exist.
        """
        for name in names:
            if name not in self.metadata:
                raise AlleleError(
                    f"there is no metadata[{name!r}] to remove; the entries are {[*self.metadata]}"
                )
        return self._replace(metadata=self.metadata.changed({}, leave_out=names))

    def over(self, children: Mapping[str, AbstractAllele], *, flat: bool = False) -> Self:
        """Return this node with other alleles in its metadata; if `flat`, entries are values."""
        return self._replace(metadata=self.metadata.over(children, flat=flat))

    def whole(self) -> Self:
        """Return this node without flattening: with the alleles in its metadata, not values."""
        return self.over(self.metadata.children) if self.metadata.flat else self

    def walk_tree(
        self,
        handler: Callable[[AbstractAllele, Context], R],
        predicate: trees.Predicate | None = None,
    ) -> list[R]:
        """Call the handler on every node of this tree, children first; return its results."""
        return trees.walk_trees([self], lambda nodes, at: handler(nodes[0], at), predicate)

    def update_tree(
        self,
        handler: Callable[[AbstractAllele, Context], AbstractAllele],
        predicate: trees.Predicate | None = None,
    ) -> AbstractAllele:
        """Return this tree with every node replaced by the handler's result, children first."""
        return trees.synthesize_trees(
            self, [self], lambda node, _, at: handler(node, at), predicate
        )

    def _replace(self, **changes: Any) -> Self:
        """Return a copy with some fields set to values that are known to be valid."""
        made = self._moved(self.value)
        for name, held in changes.items():
            object.__setattr__(made, name, held)
        return made

    def _moved(self, value: Any) -> Self:
        """Return a copy with a value that is known to be valid."""
        # Set field by field, which is fast: breeding spends most of its time on such copies.
        kind: Any = type(self)
        made = _new(_OPEN[kind])
        made.value = value
        made.domain = self.domain
        made.can_mutate = self.can_mutate
        made.can_crossbreed = self.can_crossbreed
        made.metadata = self.metadata
        for name in self._added:
            setattr(made, name, getattr(self, name))
        made.__class__ = kind
        closed: Self = made
        return closed

    def __repr__(self) -> str:
        shown = [repr(self.value)]
        for field in attrs.fields(type(self)):
            held = getattr(self, field.name)
            if field.name != "value" and held != self._default(field):
                shown.append(f"{field.name}={held!r}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def _default(self, field: attrs.Attribute[Any]) -> object:
        if field.name != "domain":
            return field.default
        try:
            return self.check_domain(None)
        except AlleleError:  # this kind requires a domain, so there is no default
            return None


_new = object.__new__


class _OpenTwins(dict[type[AbstractAllele], type[Any]]):
    """By kind, a subclass whose fields can be set while `_moved` creates a copy.

    With `object.__setattr__` a copy takes 0.65 us instead of 0.38: breeding is 10 % slower.
    """

    def __missing__(self, kind: type[AbstractAllele]) -> type[Any]:
        setters = {name: getattr(object, name) for name in ("__setattr__", "__delattr__")}
        twin = self[kind] = type(kind.__name__, (kind,), {"__slots__": (), **setters})
        return twin


_OPEN = _OpenTwins()
