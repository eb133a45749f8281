"""A read-only dictionary."""

from __future__ import annotations

from typing import Any, Never, TypeVar

K = TypeVar("K")
V = TypeVar("V")


def read_only(*_args: object, **_kwargs: object) -> Never:
    """Replace a method that would change the mapping."""
    raise TypeError("this mapping is read-only: create a new value, e.g. allele.with_metadata(...)")


class FrozenDict(dict[K, V]):
    """A read-only dictionary, hashable if its values are.

    It derives from `dict`, so that reading is as fast as from a `dict` and `json` accepts it.
    """

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = read_only

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __copy__(self) -> FrozenDict[K, V]:
        return self

    def __deepcopy__(self, memo: object) -> FrozenDict[K, V]:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (dict(self),))
