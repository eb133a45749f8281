"""Hooks on tensors and optimizers, which outlive the object that registers them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from clantune_clan.errors import GradientError

Hook = Callable[..., None]


def weak_hook(method: Hook) -> Hook:
    """Return a hook that calls a method, and does not keep its object alive."""
    reference = weakref.WeakMethod(method)

    def hook(*arguments: object) -> None:
        if (method := reference()) is not None:
            method(*arguments)

    return hook


def hidden_hook(hook: Hook) -> Hook:
    """Return a hook of `optimizer.step` that is not compiled with it."""
    hidden: Hook = torch.compiler.disable(hook)
    return hidden


def late_hook(parameters: Iterable[Tensor], own: Iterable[RemovableHandle]) -> GradientError | None:
    """Return an error if a later hook would see gradients before they are averaged.

    Args:
        parameters: Parameters whose gradients are averaged.
        own: The hook on each of them that averages.
    """
    for parameter, hook in zip(parameters, own, strict=False):
        hooks: Any = parameter._post_accumulate_grad_hooks
        if next(reversed(hooks)) != hook.id:
            return GradientError(
                "a hook was registered by register_post_accumulate_grad_hook after the member "
                "was set up; it sees gradients before they are averaged: an optimizer that "
                "steps inside the backward pass does not go with a clan"
            )
    return None
