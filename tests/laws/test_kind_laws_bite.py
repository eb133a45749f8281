"""For each law for kinds a kind that breaks it, and no other: the kit catches just that."""

import math
from collections.abc import Iterator
from typing import Any, Self

import attrs
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st

from clantune_core import (
    AbstractAllele,
    AlleleError,
    ContinuousAllele,
    DiscreteAllele,
    Range,
    RoundedAllele,
    allele_kind,
)
from clantune_core.testing import LawBroken, all_kind_laws, alleles, kind_laws


class Line(ContinuousAllele):
    """A number from -100 to 100: the kinds below change one thing about it."""

    __slots__ = ()

    widest = Range(-100.0, 100.0)

    def to_latent(self, value: float) -> float:
        return value

    def from_latent(self, latent: float) -> float:
        return latent


@allele_kind("bite_stubborn")
@attrs.frozen(repr=False)
class Stubborn(Line):
    """Keeps its value."""

    def with_value(self, value: Any) -> Self:
        self.check_number(value)
        return self


@allele_kind("bite_lenient")
@attrs.frozen(repr=False)
class Lenient(Line):
    """Takes values outside its domain."""

    def check_value(self, value: Any) -> float:
        return self.check_number(value)


@allele_kind("bite_boundless")
@attrs.frozen(repr=False)
class Boundless(Line):
    """Takes infinities, and clips them."""

    def with_value(self, value: Any) -> Self:
        return super().with_value(value if math.isnan(value) else max(-1e9, min(value, 1e9)))


@allele_kind("bite_slippery")
@attrs.frozen(repr=False)
class Slippery(Line):
    """Changes itself too."""

    def with_value(self, value: Any) -> Self:
        changed = super().with_value(value)
        object.__setattr__(self, "value", changed.value)
        return changed


@allele_kind("bite_forgetful")
@attrs.frozen(repr=False)
class Forgetful(Line):
    """Forgets its flags and metadata."""

    def with_value(self, value: Any) -> Self:
        return type(self)(self.clip(self.check_number(value)), self.domain)


@attrs.frozen(repr=False)
class Nameless(Line):
    """Has no tag to be saved under."""


@allele_kind("bite_homebound")
@attrs.frozen(repr=False)
class Homebound(Line):
    """Comes back from pickle with another value."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Homebound, (self.value / 2 + 1.0,))


@allele_kind("bite_unique")
@attrs.frozen(repr=False)
class Unique(Line):
    """Has the hash of an object, not of a value."""

    def __hash__(self) -> int:
        return id(self)


@allele_kind("bite_one_way")
@attrs.frozen(repr=False)
class OneWay(Line):
    """Measures a distance that has a sign."""

    def distance(self, other: Self) -> float:
        return self.latent - other.latent


@allele_kind("bite_wrapping")
@attrs.frozen(repr=False)
class Wrapping(Line):
    """Lies on a circle, whose seam it leaves at the other end of the domain."""

    def from_latent(self, latent: float) -> float:
        return (latent + 100.0) % 200.0 - 100.0

    def distance(self, other: Self) -> float:
        apart = super().distance(other)
        return min(apart, 200.0 - apart)


@allele_kind("bite_refusing")
@attrs.frozen(repr=False)
class Refusing(RoundedAllele):
    """A whole number whose `with_value` does not round."""

    widest = Range(-100, 100)

    def to_latent(self, value: float) -> float:
        return value

    def from_latent(self, latent: float) -> float:
        return latent

    def round_number(self, number: float) -> int:
        return round(number)

    def with_value(self, value: Any) -> Self:
        return super().with_value(self.check_number(value))


@allele_kind("bite_short")
@attrs.frozen(repr=False)
class Short(Line):
    """Has a latent line that ends somewhere."""

    widest = Range(-1.0, 1.0)

    def from_latent(self, latent: float) -> float:
        if abs(latent) > 2.0:
            raise ValueError("the line ends here")
        return latent


@allele_kind("bite_absorbing")
@attrs.frozen(repr=False)
class Absorbing(Line):
    """A whole number that does not keep the number before rounding."""

    def check_number(self, value: object) -> float:
        number = super().check_number(value)
        if number != round(number):
            raise AlleleError(f"{value} is not a whole number")
        return number

    def with_value(self, value: Any) -> Self:
        return self._moved(self.clip(float(round(super().check_number(value)))))

    def from_latent(self, latent: float) -> float:
        return float(round(latent))


@allele_kind("bite_repeating")
@attrs.frozen(repr=False)
class Repeating(DiscreteAllele):
    """Names a choice twice."""

    @property
    def choices(self) -> tuple[Any, ...]:
        return (*self.domain, self.value)

    def check_domain(self, domain: Any) -> tuple[str, ...]:
        return self.check_choices(("one", "two") if domain is None else domain, str)


BROKEN: dict[type[AbstractAllele], str] = {
    Stubborn: "takes_any_value_of_its_domain",
    Lenient: "keeps_to_its_domain",
    Boundless: "refuses_nan_and_infinity",
    Slippery: "leaves_the_allele_as_it_was",
    Forgetful: "changes_only_the_value",
    Nameless: "is_equal_after_json",
    Homebound: "is_equal_after_pickling",
    Unique: "hashes_equal_alleles_equally",
    OneWay: "measures_distances",
    Wrapping: "comes_back_from_the_latent_line",
    Refusing: "brings_any_number_into_its_domain",
    Short: "stays_in_its_domain_on_the_latent_line",
    Absorbing: "adds_up_small_steps",
    Repeating: "takes_each_of_its_choices",
}

INSTANCES = {Wrapping: st.builds(Wrapping, st.sampled_from([100.0, 0.0, -50.0]))}
"""Where the kit derives none that break the law: it moves alleles along the latent line."""


@pytest.fixture(autouse=True)
def few_examples() -> Iterator[None]:
    """Two hundred runs of a law: a few examples each, always the same ones, not shrunk."""
    name = settings.get_current_profile_name()
    settings.register_profile(
        "bite", max_examples=25, derandomize=True, phases=[Phase.generate], database=None
    )
    settings.load_profile("bite")
    yield
    settings.load_profile(name)


def test_every_law_has_a_kind_that_breaks_it():
    assert set(BROKEN.values()) == set(all_kind_laws())


@pytest.mark.parametrize(("kind", "name"), BROKEN.items())
def test_the_kit_catches_exactly_this(kind, name):
    broken = {}
    for law in kind_laws(INSTANCES.get(kind, alleles(kind))):
        try:
            law()
        except LawBroken as error:
            broken[law.name] = str(error)
    assert [*broken] == [name]
    assert broken[name].startswith(all_kind_laws()[name])
