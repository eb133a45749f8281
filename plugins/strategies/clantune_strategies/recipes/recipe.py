"""A recipe: a whole method, as the list of strategies that it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

import attrs

from clantune_core import AbstractStrategy, Evolution
from clantune_core.contracts import RecipeSettings


def _listed(strategies: Iterable[AbstractStrategy]) -> tuple[AbstractStrategy, ...]:
    return Evolution(strategies).strategies  # which refuses, in words, what is no such list


def _to_settings(settings: RecipeSettings | Mapping[str, Any]) -> RecipeSettings:
    return RecipeSettings.of(settings)  # attrs takes the type of an argument from a function


@attrs.frozen(repr=False)
class Recipe(Sequence[AbstractStrategy]):
    """A list of strategies with a name, its source, and what differs from that.

    Attributes:
        name: What the method is called.
        strategies: The list, as an `Evolution` takes it.
        source: Where the method was published.
        differs: What is otherwise here, in a sentence or two.
        settings: How the members are trained, as `RecipeSettings`, or some of them by name. An
            `Evolution` does not look at it.
    """

    name: str
    strategies: tuple[AbstractStrategy, ...] = attrs.field(converter=_listed)
    source: str
    differs: str
    settings: RecipeSettings = attrs.field(factory=RecipeSettings, converter=_to_settings)

    def __len__(self) -> int:
        return len(self.strategies)

    @overload
    def __getitem__(self, index: int) -> AbstractStrategy: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[AbstractStrategy]: ...
    def __getitem__(self, index: int | slice) -> AbstractStrategy | Sequence[AbstractStrategy]:
        return self.strategies[index]

    def __iter__(self) -> Iterator[AbstractStrategy]:
        return iter(self.strategies)

    def __repr__(self) -> str:
        listed = "".join(f"\n    {strategy!r}," for strategy in self.strategies)
        return f"<{self.name}: [{listed}\n]>"

    def explain(self) -> None:
        """Print the list, where the method comes from, and what differs."""
        asked = "".join(
            f"\n  {name}: {value}" for name, value in attrs.asdict(self.settings).items()
        )
        print(
            f"{self!r}\nsource: {self.source}\ndiffers: {self.differs}\n"
            f"asks of the training:{asked}"
        )
