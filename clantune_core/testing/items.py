"""Laws as pytest items: one item for each law, with its expected failures."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import attrs

from clantune_core.errors import ClanTuneError, shown
from clantune_core.testing.laws import Law, LawBroken

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def as_items(laws: Sequence[Law], expected_failures: Mapping[str, str] | None) -> Decorator:
    """Make a test function that takes `law` into one pytest item for each law.

    Raises:
        ClanTuneError: An expected failure has no reason, or names a law that does not apply.
    """
    import pytest  # noqa: PLC0415  (the laws themselves need hypothesis only)

    expected = require_reasons("expected_failures", expected_failures)
    require_known(expected, [law.name for law in laws])
    each_law = pytest.mark.parametrize(
        "law",
        [
            pytest.param(
                law,
                id=law.name,
                marks=[pytest.mark.xfail(strict=True, raises=LawBroken, reason=expected[law.name])]
                if law.name in expected
                else [],
            )
            for law in laws
        ],
    )

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        items: Callable[..., None] = each_law(_that_tries_the_law(test))
        return items

    return decorate


def require_reasons(argument: str, given: object) -> Mapping[str, str]:
    """Return a mapping of names to reasons; None is an empty one.

    Raises:
        ClanTuneError: It is not a mapping, or a reason is empty.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ClanTuneError(f"{argument} must map names to reasons; got {shown(given)}")
    for name, reason in given.items():
        if not isinstance(reason, str) or not reason.strip():
            raise ClanTuneError(f"{argument}[{name!r}] has no reason; write one as its value")
    return given


def require_known(names: Collection[str], known: Collection[str], what: str = "law") -> None:
    """Raise a `ClanTuneError` if one of the names is unknown."""
    for name in names:
        if name not in known:
            raise ClanTuneError(
                f"no {what} called {name!r} applies here; choose from: {', '.join(known) or 'none'}"
            )


def _that_tries_the_law(test: Callable[..., None]) -> Callable[..., None]:
    """Return a test that also fails if it never calls its law: it would prove nothing."""

    @functools.wraps(test)
    def checked(*args: Any, law: Law, **others: Any) -> None:
        counted = _CountedLaw(law.name, law.sentence, law)
        test(*args, law=counted, **others)
        if not counted.calls:
            raise ClanTuneError(f"{test.__name__} does not call its law; write law() in it")

    return checked


@attrs.define
class _CountedLaw:
    """A law that counts how often it is tried."""

    name: str
    sentence: str
    _law: Law
    calls: int = 0

    def __call__(self) -> None:
        self.calls += 1
        self._law()
