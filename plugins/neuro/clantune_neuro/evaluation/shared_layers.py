"""Layers that answer for a parent and for its children's small changes, kept apart.

Under `vmap` the parent's part is computed once, because only the change has a dimension of members.
The parent's parameters have other names than in the layer that is replaced. A module that reads
them past the layer's forward pass therefore fails, and does not miss the change.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from clantune_neuro.networks.answer import Answer
from clantune_neuro.networks.heads import Heads, projected

PARENT = "parent_"
"""What the name of a parent's parameter begins with in the layers of this module."""


class OuterLinear(nn.Module):
    """A linear layer whose weight is a parent's weight plus an outer product."""

    parent_weight: Tensor
    parent_bias: Tensor | None
    column: Tensor
    row: Tensor

    def __init__(self, layer: nn.Linear) -> None:
        """Make the layer of a child without a change.

        Args:
            layer: The parent's layer. Its parameters are shared.
        """
        super().__init__()
        self.parent_weight = layer.weight
        self.register_parameter("parent_bias", layer.bias)
        self.register_buffer("column", layer.weight.new_zeros(layer.out_features))
        self.register_buffer("row", layer.weight.new_zeros(layer.in_features))

    def forward(self, x: Tensor) -> Tensor:
        """Return what the child's layer returns, up to rounding."""
        shared = functional.linear(x, self.parent_weight)
        changed = torch.addcmul(shared, (x @ self.row)[..., None], self.column)
        return changed if self.parent_bias is None else changed + self.parent_bias


class RowHeads(nn.Module):
    """A bank of rows of which a child replaces one row of features and one row of logits."""

    parent_features: Tensor
    parent_logits: Tensor
    features_index: Tensor
    features_row: Tensor
    logits_index: Tensor
    logits_row: Tensor
    projection: Tensor | None

    def __init__(self, bank: Heads) -> None:
        """Make the bank of a child that replaces row 0 by itself.

        Args:
            bank: The parent's bank. Its parameters are shared.
        """
        super().__init__()
        self.parent_features = bank.features
        self.parent_logits = bank.logits
        self.register_buffer("projection", bank.projection, persistent=False)
        for name, tensor in (("features", bank.features), ("logits", bank.logits)):
            index = torch.zeros((), dtype=torch.int64, device=tensor.device)
            self.register_buffer(f"{name}_index", index)
            self.register_buffer(f"{name}_row", tensor[0].detach().clone())

    def forward(self, x: Tensor) -> Answer:
        """Return what the child's bank returns, up to the rounding of dot products."""
        x = projected(x, self.projection)
        first, first_size, second, second_size = _best_two(x @ self.parent_features.T)
        replaced = first == self.features_index
        other = torch.where(replaced, second, first)
        other_size = torch.where(replaced, second_size, first_size)
        size = x @ self.features_row
        # Of equal dot products the row with the lower number answers, as in `Heads`.
        tie = (size == other_size) & (self.features_index < other)
        rows = torch.where((size > other_size) | tie, self.features_index, other)
        own = (rows == self.logits_index)[..., None]
        logits = torch.where(own, self.logits_row, self.parent_logits[rows])
        return Answer(logits, rows, torch.maximum(size, other_size))


def _best_two(sizes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the best row and the second-best row of each point, with their dot products."""
    first_size, first = sizes.max(-1)
    second_size, second = sizes.scatter(-1, first[..., None], -torch.inf).max(-1)
    return first, first_size, second, second_size


def with_shared_layers(module: nn.Module, layers: frozenset[str]) -> nn.Module:
    """Return a copy of a module that has layers for changes. Its parameters are shared.

    Args:
        module: The parent's module.
        layers: Names of the linear layers and banks to replace. The module itself has the name "".
    """
    shared = {id(parameter): parameter for parameter in module.parameters()}
    root = nn.Sequential()  # so that the module itself can be replaced
    root.add_module("root", copy.deepcopy(module, dict(shared)))
    for name in sorted(layers):
        path = f"root.{name}" if name else "root"
        owner, _, last = path.rpartition(".")
        layer = root.get_submodule(path)
        replacement = RowHeads(layer) if isinstance(layer, Heads) else _outer(layer)
        root.get_submodule(owner).add_module(last, replacement)
    return root.get_submodule("root")


def _outer(layer: nn.Module) -> OuterLinear:
    assert isinstance(layer, nn.Linear)  # noqa: S101  (patterns name no other layers)
    return OuterLinear(layer)
