"""A dictionary that nobody can change."""

from __future__ import annotations

from typing import Any, Never, TypeVar

K = TypeVar("K")
V = TypeVar("V")


def read_only(*_args: object, **_kwargs: object) -> Never:
    """Stand for a method that would change something."""
    raise TypeError("this mapping is read-only: make a new value, e.g. allele.with_metadata(...)")


class FrozenDict(dict[K, V]):
    """A dictionary that nobody can change, hashable if its values are.

    A `dict` inside, so that reading costs what a dictionary costs and `json` takes it as it is.
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
