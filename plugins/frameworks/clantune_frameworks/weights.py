"""The best weights of a clan, in the model that a framework trains and saves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from clantune_clan import Clan


def put_best(clan: Clan, model: nn.Module) -> None:
    """Give a model the best weights so far, on all ranks alike. They call this together."""
    if clan.run_state.best.exists:
        clan.best(into=model)
    else:  # members differ, and none was judged
        clan.communicator.broadcast("the weights of the model", _tensors(model))


@contextlib.contextmanager
def best_inside(clan: Clan, model: nn.Module) -> Iterator[None]:
    """Let a model have the best weights so far inside the block. All ranks enter it together."""
    tensors = _tensors(model)
    own = [tensor.clone() for tensor in tensors]
    try:
        put_best(clan, model)
        yield
    finally:
        with torch.no_grad():
            for tensor, before in zip(tensors, own, strict=True):
                tensor.copy_(before)


def _tensors(model: nn.Module) -> list[torch.Tensor]:
    return [each.detach() for each in (*model.parameters(), *model.buffers())]
