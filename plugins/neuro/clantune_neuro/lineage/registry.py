"""The register of operators: those of this package, and those that others publish."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from typing import Any, TypeAlias

import attrs

from clantune_neuro.errors import OperatorError
from clantune_neuro.lineage.gene import Gene
from clantune_neuro.noise.shapes import SHAPES

Apply: TypeAlias = Callable[[Any, Gene, Any], None]
"""A function of a `State`, a gene and a `Blueprint`. Both classes are built on this module."""

Arguments: TypeAlias = Callable[[Any], Iterable[int]]
"""A function of a `Blueprint`."""

GROUP = "clantune.operators"
"""The entry-point group in which a package publishes its operators."""

_MODULES = {
    "additive": ("normal", "exponential", "uniform", "one", "tensor", "module"),
    "low_rank": ("rank-1",),
    "rows": ("fresh", "label", "nudge", "duplicate", "remove"),
    "norms": ("norm",),
    "rates": ("rate",),
}
BUILT_IN = {name: module for module, names in _MODULES.items() for name in names}
"""The module of each operator of this package, in the order of their numbers."""


@attrs.frozen
class Operator:
    """A named change of the integer weights.

    Attributes:
        name: Its name in blueprints.
        apply: The function that changes a state in place, from nothing but the state, the gene and
            the blueprint.
        additive: Whether it adds the same integers to any state, by `State.add` alone. Genes of
            additive operators give the same bits in any order.
        arguments: Returns the arguments that a gene of this operator may have.
        parameters: Parameters and their defaults. A blueprint may set others.
    """

    name: str
    apply: Apply
    additive: bool
    arguments: Arguments
    parameters: Mapping[str, int]


def any_argument(_: object) -> Iterable[int]:
    """Allow every argument."""
    return range(256)


def no_argument(_: object) -> Iterable[int]:
    """Allow the argument 0 alone."""
    return (0,)


def shape_argument(_: object) -> Iterable[int]:
    """Allow the numbers of the shapes of noise."""
    return range(len(SHAPES))


_REGISTERED: dict[str, Operator] = {}


def operator(
    name: str, *, additive: bool, arguments: Arguments = any_argument, **parameters: int
) -> Callable[[Apply], Apply]:
    """Register a function as an operator.

    Args:
        name: Its name in blueprints.
        additive: See `Operator`.
        arguments: Returns the arguments that a gene may have; every one by default.
        **parameters: Parameters with their defaults, which are integers.

    Raises:
        OperatorError: Another function has this name.
    """

    def register(function: Apply) -> Apply:
        known = _REGISTERED.get(name)
        if known is not None and _place(known.apply) != _place(function):
            raise OperatorError(
                f"two operators are called {name!r}: {_place(known.apply)} and "
                f"{_place(function)}; rename one",
                name=name,
            )
        _REGISTERED[name] = Operator(name, function, additive, arguments, parameters)
        return function

    return register


def find_operator(name: str) -> Operator:
    """Return the operator with a name. It imports the package that publishes it.

    Raises:
        OperatorError: No installed package has it.
    """
    if name not in _REGISTERED:
        _load(name)
    if name in _REGISTERED:
        return _REGISTERED[name]
    raise OperatorError(
        f"no operator is called {name!r}; the operators are {', '.join(operator_names())}; install "
        f"the package that publishes it in the entry-point group {GROUP!r}, or import its module",
        name=name,
    )


def operator_names() -> list[str]:
    """Return the names of all known operators: those of this package, then others, sorted."""
    published = {point.name for point in metadata.entry_points(group=GROUP)}
    return [*BUILT_IN, *sorted((published | _REGISTERED.keys()) - BUILT_IN.keys())]


def _load(name: str) -> None:
    if name in BUILT_IN:
        importlib.import_module(f"clantune_neuro.operators.{BUILT_IN[name]}")
        return
    for point in metadata.entry_points(group=GROUP, name=name):
        point.load()


def _place(function: Apply) -> str:
    return f"{function.__module__}.{getattr(function, '__qualname__', function)}"
