"""The class of recipes: a list of strategies with its source and its settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

import attrs

from clantune_core import AbstractStrategy, Evolution
from clantune_core.contracts import RecipeSettings


def _to_strategies(strategies: Iterable[AbstractStrategy]) -> tuple[AbstractStrategy, ...]:
    return Evolution(strategies).strategies  # which checks the list


def _to_settings(settings: RecipeSettings | Mapping[str, Any]) -> RecipeSettings:
    return RecipeSettings.of(settings)  # attrs reads the argument's type from this function


@attrs.frozen(repr=False)
class Recipe(Sequence[AbstractStrategy]):
    """A list of strategies with a name, its source and its settings.

    Attributes:
        name: Name of the recipe.
        strategies: The list, in the order of an `Evolution`.
        source: Where the recipe was published.
        differs: How this implementation differs from the source, in a sentence or two.
        settings: How the members are trained, as `RecipeSettings` or as a mapping of some of them.
            An `Evolution` ignores them.
    """

    name: str
    strategies: tuple[AbstractStrategy, ...] = attrs.field(converter=_to_strategies)
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
        lines = "".join(f"\n    {strategy!r}," for strategy in self.strategies)
        return f"<{self.name}: [{lines}\n]>"

    def explain(self) -> None:
        """Print the strategies, the source, the differences from it, and the settings."""
        settings = "".join(
            f"\n  {name}: {value}" for name, value in attrs.asdict(self.settings).items()
        )
        print(
            f"{self!r}\nsource: {self.source}\ndiffers: {self.differs}\n"
            f"settings of the clan:{settings}"
        )
