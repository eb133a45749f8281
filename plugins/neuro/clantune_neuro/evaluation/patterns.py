"""Which parts of a network a child's changes touch. Children of one pattern share a pass."""

from __future__ import annotations

from collections import Counter

import attrs
import torch
from torch import Tensor, nn

from clantune_neuro.errors import EvaluationError
from clantune_neuro.evaluation.changes import Child, Outer, Row, Whole
from clantune_neuro.evaluation.loop import Weights
from clantune_neuro.evaluation.shared_layers import PARENT
from clantune_neuro.networks.heads import Heads


@attrs.frozen
class Pattern:
    """What some children have in common.

    Attributes:
        outer: Names of linear layers whose weight changes by an outer product.
        banks: Names of banks that replace a row.
        whole: Names of tensors that each child has for itself.
    """

    outer: frozenset[str]
    banks: frozenset[str]
    whole: frozenset[str]

    @property
    def layers(self) -> frozenset[str]:
        """Names of the layers that keep the parent's part and the change apart."""
        return self.outer | self.banks

    def tensors(self, parent: Weights, children: list[Child]) -> dict[str, Tensor]:
        """Return the tensors of the children, by name, with a dimension of members in front."""
        found = {
            self._name_in_layers(name): torch.stack(
                [_applied(child, name, parent) for child in children]
            )
            for name in self.whole
        }
        for layer in self.outer:
            changes = [child[_name(layer, "weight")] for child in children]
            for part in ("column", "row"):
                found[_name(layer, part)] = torch.stack([getattr(one, part) for one in changes])
        for bank in self.banks:
            for part in ("features", "logits"):
                rows = [_row(child, _name(bank, part), parent) for child in children]
                index = torch.tensor([row.index for row in rows], device=rows[0].values.device)
                found[_name(bank, f"{part}_index")] = index
                found[_name(bank, f"{part}_row")] = torch.stack([row.values for row in rows])
        return found

    def shared(self, parent: Weights) -> dict[str, Tensor]:
        """Return the parent's tensors that the children share, by their names in the layers."""
        return {
            self._name_in_layers(name): tensor
            for name, tensor in parent.items()
            if name not in self.whole
        }

    def _name_in_layers(self, name: str) -> str:
        layer, _, last = name.rpartition(".")
        return _name(layer, PARENT + last) if layer in self.layers else name


class Patterns:
    """The patterns of children of one module."""

    def __init__(self, module: nn.Module) -> None:
        """Look up which changes the layers of a module can keep apart.

        Args:
            module: The parent's module. A tied parameter is never kept apart.
        """
        named = dict(module.named_parameters(remove_duplicate=False))
        times = Counter(id(parameter) for parameter in named.values())
        tied = {name.rpartition(".")[0] for name, one in named.items() if times[id(one)] > 1}
        layers = [(name, layer) for name, layer in module.named_modules() if name not in tied]
        # A subclass may have another forward pass.
        self._linear = {name for name, layer in layers if type(layer) is nn.Linear}
        self._banks = {name for name, layer in layers if type(layer) is Heads}

    def of(self, child: Child, parent: Weights) -> Pattern:
        """Return the pattern of a child.

        Raises:
            EvaluationError: A change names a tensor that the parent does not have.
        """
        for name in child:
            if name not in parent:
                raise EvaluationError(
                    f"a child changes {name!r}, and its parent has only {', '.join(parent)}"
                )
        owners = {name: name.rpartition(".")[0] for name in child}
        outer = {
            owners[name]
            for name, change in child.items()
            if isinstance(change, Outer) and self._keeps_apart(name)
        }
        banks = set(owners.values()) & self._banks
        for name, change in child.items():
            if not isinstance(change, Row):
                banks.discard(owners[name])
        apart = {_name(layer, "weight") for layer in outer}
        whole = {name for name in child if name not in apart and owners[name] not in banks}
        if not outer and not banks and not whole:
            whole = {next(iter(parent))}  # a child without a change still needs its own entry
        return Pattern(frozenset(outer), frozenset(banks), frozenset(whole))

    def _keeps_apart(self, name: str) -> bool:
        layer, _, last = name.rpartition(".")
        return last == "weight" and layer in self._linear


def _name(layer: str, last: str) -> str:
    return f"{layer}.{last}" if layer else last


def _applied(child: Child, name: str, parent: Weights) -> Tensor:
    change = child.get(name, Whole(parent[name]))
    return change.applied(parent[name])


def _row(child: Child, name: str, parent: Weights) -> Row:
    """Return the row that a child replaces, or the parent's row 0 for a child that keeps all."""
    change = child.get(name, Row(0, parent[name][0]))
    assert isinstance(change, Row)  # noqa: S101  (a pattern names banks that change by rows)
    return change
