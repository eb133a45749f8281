"""Presets that are called twice: first with options, then with a model and an optimizer."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, overload

from torch import nn
from torch.optim import Optimizer

from clantune_core import AbstractAllele, ClanTuneError

P = ParamSpec("P")

Genes = dict[str, AbstractAllele]
BoundPreset = Callable[[nn.Module, Optimizer], Genes]
"""A preset with its options."""


class PresetFunction(Protocol[P]):
    """A preset that is a function."""

    __name__: str

    @overload
    def __call__(
        self, model: nn.Module, optimizer: Optimizer, /, *args: P.args, **options: P.kwargs
    ) -> Genes: ...

    @overload
    def __call__(self, *args: P.args, **options: P.kwargs) -> BoundPreset: ...


def preset(function: Callable[Concatenate[nn.Module, Optimizer, P], Genes]) -> PresetFunction[P]:
    """Let a preset also be called with options alone, as in `autobind=[dropout(per_module=True)]`.

    Args:
        function: Function of a model, an optimizer, and options by keyword.
    """

    @functools.wraps(function)
    def called(*both: Any, **options: Any) -> Any:
        return call(function, both, options, name=function.__name__, itself=called)

    return called


def call(
    function: Callable[..., Genes],
    both: tuple[Any, ...],
    options: dict[str, Any],
    *,
    name: str,
    itself: Callable[..., Any],
) -> Any:
    """Return the genes for a model and an optimizer, or without them a preset with options.

    Raises:
        ClanTuneError: Only one of them is given.
        TypeError: The preset has no such option.
    """
    if not both:
        inspect.signature(itself).bind(None, None, **options)  # raises a TypeError now, not later
        return functools.partial(itself, **options)
    if len(both) != 2:
        raise ClanTuneError(
            f"{name} takes a model and an optimizer, or options by keyword alone; got "
            f"{len(both)} arguments without a keyword"
        )
    return function(*both, **options)
