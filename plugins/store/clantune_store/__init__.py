"""A store of parameters and results: the values of any program in a database.

A program reads its values by dot, `Parameters("testing.db").a.b`, and reports how it did. A `Store`
loads values, answers questions about results, and merges databases.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clantune_store.breeding.methods import Bred
    from clantune_store.errors import (
        LoadError,
        MergeError,
        MetricError,
        ParameterError,
        ReportError,
        RuleError,
        StoreError,
    )
    from clantune_store.groups.group import Group
    from clantune_store.groups.parameters import Parameters, values
    from clantune_store.groups.store import Store
    from clantune_store.questions.metric import Metric
    from clantune_store.space.kinds import SymlogFloatAllele, SymlogIntAllele
    from clantune_store.space.rules import Rule
    from clantune_store.space.space import Space
    from clantune_store.space.suffixes import suffix

__all__ = [
    "Bred",
    "Group",
    "LoadError",
    "MergeError",
    "Metric",
    "MetricError",
    "ParameterError",
    "Parameters",
    "ReportError",
    "Rule",
    "RuleError",
    "Space",
    "Store",
    "StoreError",
    "SymlogFloatAllele",
    "SymlogIntAllele",
    "suffix",
    "values",
]

_MODULES = {
    "breeding.methods": ("Bred",),
    "groups.group": ("Group",),
    "groups.parameters": ("Parameters", "values"),
    "groups.store": ("Store",),
    "questions.metric": ("Metric",),
    "space.kinds": ("SymlogFloatAllele", "SymlogIntAllele"),
    "space.rules": ("Rule",),
    "space.space": ("Space",),
    "space.suffixes": ("suffix",),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is used first, so that the help of the command is fast."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    modules = (module for module, names in _MODULES.items() if name in names)
    module = importlib.import_module(f"{__name__}.{next(modules, 'errors')}")
    found = globals()[name] = getattr(module, name)
    return found
