"""Presets that installed packages offer: functions that bind genes to a model and an optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any, cast

from torch import nn
from torch.optim import Optimizer

from clantune_clan.errors import ClanError
from clantune_core import AbstractAllele

Preset = Callable[[nn.Module, Optimizer], Mapping[str, AbstractAllele]]

PRESETS = "clantune.presets"
RECIPES = "clantune.recipes"

_PACKAGES = {PRESETS: "clantune-autobind", RECIPES: "clantune-strategies"}
"""Our own packages that offer some, for a message."""


def load_preset(name: str) -> Preset:
    """Return the preset that an installed package offers under a name.

    Raises:
        ClanError: None does, or several do.
    """
    return cast(Preset, _load(PRESETS, "preset", name))


def load_recipe(name: str) -> Callable[[], Any]:
    """Return the function that makes a recipe, by its name.

    Raises:
        ClanError: No installed package offers one, or several do.
    """
    return cast(Callable[[], Any], _load(RECIPES, "recipe", name))


def _load(group: str, what: str, name: str) -> object:
    entries = metadata.entry_points(group=group)
    found = entries.select(name=name)
    offering = sorted({entry.dist.name for entry in found if entry.dist is not None})
    if len(offering) > 1:
        raise ClanError(
            f"{' and '.join(offering)} both offer a {what} {name!r}; uninstall one of them, or "
            f"give the {what} itself instead of its name"
        )
    for entry in found:
        return entry.load()
    known = ", ".join(sorted({entry.name for entry in entries})) or "none"
    raise ClanError(
        f"no {what} {name!r} is installed; installed are {known}; ours are in "
        f"{_PACKAGES[group]}: pip install {_PACKAGES[group]}"
    )
