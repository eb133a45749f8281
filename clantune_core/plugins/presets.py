"""Installed presets: entry points for functions that bind genes to a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from clantune_core import contracts
from clantune_core.alleles import AbstractAllele
from clantune_core.plugins.reader import Group

Preset = Callable[[Any, Any], Mapping[str, AbstractAllele]]
"""Takes a model and an optimizer, and returns alleles by the names of their genes."""

PRESETS = Group(
    contracts.PRESETS,
    what="preset",
    form="a function of a model and an optimizer",
    accepts=callable,
    home="clantune-autobind",
)


def load_preset(name: str, /) -> Preset:
    """Return an installed preset by its name.

    Raises:
        PluginError: There is no such preset, there are two, or it is switched off or broken.
    """
    preset: Preset = PRESETS.find(name).load()
    return preset
