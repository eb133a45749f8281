"""The laws for kinds of alleles. Strategies, populations and saved data rely on them.

A law is a function of a `KindCase`. Its docstring is the sentence that a failure begins with. The
family of a kind decides which laws apply to it.
"""

from __future__ import annotations

import functools
import math
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs

from clantune_core.alleles import AbstractAllele, ContinuousAllele, DiscreteAllele
from clantune_core.data.documents import from_json, to_json
from clantune_core.errors import AlleleError
from clantune_core.testing.alleles import elsewhere
from clantune_core.testing.laws import LawBroken, Rules

EVERY = "every kind"
CONTINUOUS = "continuous kinds"
DISCRETE = "discrete kinds"

RULES: Rules[KindCase] = Rules()

STEPS = 100
"""Number of small steps that add up to a large one."""


def families(kind: type[AbstractAllele]) -> set[str]:
    """Return the families of a kind, whose laws apply to it."""
    return {EVERY} | {
        name
        for name, family in ((CONTINUOUS, ContinuousAllele), (DISCRETE, DiscreteAllele))
        if issubclass(kind, family)
    }


@attrs.frozen
class KindCase:
    """An allele of the tested kind, and the values that the laws try on it.

    Attributes:
        allele: The allele.
        drawn: Another allele of the kind, of any domain; None for a continuous or discrete kind.
        share: How far along the domain `other` lies, 0 to 1.
        number: Any finite number, inside or outside the domain.
    """

    allele: Any
    drawn: Any
    share: float
    number: float

    @property
    def other(self) -> Any:
        """An allele with another value of the same domain."""
        return elsewhere(self.allele, self.share, self.drawn)


def _law(*families: str) -> Callable[[Callable[[KindCase], None]], object]:
    def add(check: Callable[[KindCase], None]) -> object:
        @functools.wraps(check)
        def guarded(case: KindCase) -> None:
            try:
                check(case)
            except LawBroken:
                raise
            except Exception as error:
                raise LawBroken(f"it ended with {type(error).__name__}: {error}") from error

        return RULES.law(*families)(guarded)

    return add


# ---- Every kind ----


@_law(EVERY)
def takes_any_value_of_its_domain(case: KindCase) -> None:
    """`with_value` accepts each value that another allele of the same domain has."""
    value = case.other.value
    changed = case.allele.with_value(value)
    if changed.value != value:
        raise LawBroken(f"with_value({value!r}) returned {changed!r}")


@_law(EVERY)
def keeps_to_its_domain(case: KindCase) -> None:
    """`check_value` raises an `AlleleError` for a value outside the domain."""
    outside: list[object] = [object()]
    if isinstance(case.allele, ContinuousAllele):
        low, high = case.allele.domain
        outside += [case.number] if not low <= case.number <= high else []
    for value in outside:
        if not _is_refused(partial(case.allele.check_value, value)):
            raise LawBroken(f"check_value({value!r}) accepts it in {case.allele!r}")


@_law(EVERY)
def refuses_nan_and_infinity(case: KindCase) -> None:
    """NaN and infinity raise an `AlleleError`, in the constructor and in every method."""
    allele = case.allele
    for number in (math.nan, math.inf, -math.inf):
        ways = {
            "the constructor": partial(attrs.evolve, allele, value=number),
            "with_value": partial(allele.with_value, number),
        }
        if isinstance(allele, ContinuousAllele):
            ways["with_latent"] = partial(allele.with_latent, number)
        for name, way in ways.items():
            if not _is_refused(way):
                raise LawBroken(f"{name} accepts {number} in {allele!r}")


@_law(EVERY)
def leaves_the_allele_as_it_was(case: KindCase) -> None:
    """A change returns a new allele; the old one stays as it was."""
    before = attrs.evolve(case.allele)
    for changed in _changed(case):
        if case.allele != before:
            raise LawBroken(f"{before!r} became {case.allele!r} when {changed!r} was made")


@_law(EVERY)
def changes_only_the_value(case: KindCase) -> None:
    """A change of the value keeps the kind, the domain, the flags and the metadata."""
    before = attrs.evolve(case.allele)
    for changed in _changed(case):
        for what in ("__class__", "domain", "can_mutate", "can_crossbreed", "metadata"):
            if (now := getattr(changed, what)) != (was := getattr(before, what)):
                raise LawBroken(f"{what} was {was!r}, now it is {now!r}")


@_law(EVERY)
def is_equal_after_json(case: KindCase) -> None:
    """An allele is equal to its copy read back from JSON."""
    copy = from_json(to_json(case.other), type(case.other))
    if copy != case.other:
        raise LawBroken(f"{case.other!r} came back as {copy!r}")


@_law(EVERY)
def is_equal_after_pickling(case: KindCase) -> None:
    """An allele is equal to its pickled copy, so that it reaches other processes."""
    copy = pickle.loads(pickle.dumps(case.other))  # noqa: S301  (our own bytes)
    if copy != case.other:
        raise LawBroken(f"{case.other!r} came back as {copy!r}")


@_law(EVERY)
def hashes_equal_alleles_equally(case: KindCase) -> None:
    """Equal alleles have equal hashes."""
    copy = attrs.evolve(case.other)
    if hash(copy) != hash(case.other):
        raise LawBroken(f"two hashes of {case.other!r} are {hash(copy)} and {hash(case.other)}")


@_law(EVERY)
def measures_distances(case: KindCase) -> None:
    """A distance is never negative or NaN, 0 to the allele itself, and equal in both directions."""
    one, other = case.allele, case.other
    there, back, none = one.distance(other), other.distance(one), one.distance(one)
    if none != 0 or not there >= 0 or there != back:
        raise LawBroken(
            f"from {one!r} to itself it is {none}, to {other!r} {there}, and back {back}"
        )


# ---- Continuous kinds ----


@_law(CONTINUOUS)
def comes_back_from_the_latent_line(case: KindCase) -> None:
    """An allele that moves along its latent line and back has its old value again."""
    allele, other = case.allele, case.other
    if allele.with_latent(allele.latent) != allele:
        raise LawBroken(
            f"with_latent(latent) of {allele!r} is {allele.with_latent(allele.latent)!r}"
        )
    back = other.with_latent(allele.latent)
    low, high = allele.domain
    tolerance = 1e-9 * min(1.0, high - low)
    if not math.isclose(back.unrounded, allele.unrounded, rel_tol=1e-9, abs_tol=tolerance):
        raise LawBroken(f"from {allele!r} over {other!r} it came back to {back!r}")


@_law(CONTINUOUS)
def brings_any_number_into_its_domain(case: KindCase) -> None:
    """`with_value` accepts any finite number, and clips and rounds it to a value in the domain."""
    _require_value(case, "with_value", case.allele.with_value(case.number))


@_law(CONTINUOUS)
def stays_in_its_domain_on_the_latent_line(case: KindCase) -> None:
    """`with_latent` accepts any finite number, and the value stays in the domain."""
    _require_value(case, "with_latent", case.allele.with_latent(case.number))


@_law(CONTINUOUS)
def adds_up_small_steps(case: KindCase) -> None:
    """A hundred small steps along the latent line lead as far as one large step."""
    start, goal = case.allele, case.other
    way = goal.latent - start.latent
    if abs(way) > 1e300 or not _is_fine_enough(start, goal.value, way / STEPS):
        return  # floating-point numbers cannot represent such steps, whatever the kind does
    here = start
    for _ in range(STEPS):
        here = here.with_latent(here.latent + way / STEPS)
    # After a full turn of a circular kind, start and goal are as near as rounding lets them be.
    # And rounding may lead past the start of the circle, to its end, where numbers are less dense.
    rounding = max(1e-9 * abs(way), 2 * math.ulp(here.latent))
    limit = max(start.distance(goal) / 2, rounding)
    if here.distance(goal) > limit:
        raise LawBroken(
            f"one step of {way} leads from {start!r} to {goal!r}, {STEPS} steps of {way / STEPS} "
            f"lead to {here!r}"
        )


# ---- Discrete kinds ----


@_law(DISCRETE)
def takes_each_of_its_choices(case: KindCase) -> None:
    """The value is one of the choices, `with_value` accepts each, and none is listed twice."""
    allele = case.allele
    choices = allele.choices
    if choices.count(allele.value) != 1:
        raise LawBroken(f"{allele.value!r} occurs {choices.count(allele.value)} times in {choices}")
    for choice in choices:
        if allele.with_value(choice).value != choice:
            raise LawBroken(f"with_value({choice!r}) returned {allele.with_value(choice)!r}")


# ---- Helpers ----


def _changed(case: KindCase) -> Iterator[AbstractAllele]:
    """Yield the results of the methods that change the value."""
    other = case.other
    yield case.allele.with_value(other.value)
    if isinstance(other, ContinuousAllele):
        yield case.allele.with_latent(other.latent)


def _is_refused(make: Callable[[], object]) -> bool:
    try:
        make()
    except AlleleError:
        return True
    return False


def _require_value(case: KindCase, method: str, changed: Any) -> None:
    if _is_refused(partial(case.allele.check_value, changed.value)):
        raise LawBroken(f"{method}({case.number}) of {case.allele!r} returned {changed!r}")


def _is_fine_enough(allele: ContinuousAllele, towards: float, step: float) -> bool:
    """Whether floating-point numbers are dense enough at a value to represent such a step."""
    beside = allele.to_latent(math.nextafter(allele.value, towards))
    return abs(beside - allele.to_latent(allele.value)) < abs(step) / 2
