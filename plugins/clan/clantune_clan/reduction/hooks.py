"""Hooks on tensors and optimizers, which outlive the object that registers them."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import torch

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
