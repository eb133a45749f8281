"""Nodes of a state's tree: the children of each kind, and what a change of one does to it."""

from __future__ import annotations

import abc
import types
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from clantune_clan.unwrapping import bare_module
from clantune_core import AbstractAllele, Genome

_OUT_OF_REACH = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
)
"""Objects that are shared by the whole process, so their attributes are not part of a state."""


class TreeNodeHandler(abc.ABC):
    """Children and patching of one kind of node."""

    @abc.abstractmethod
    def handles(self, node: object) -> bool:
        """Whether this node is of the kind."""

    @abc.abstractmethod
    def children(self, node: Any) -> Iterator[tuple[str, object]]:
        """Return the children with their names, in order."""

    @abc.abstractmethod
    def child(self, node: Any, name: str) -> object:
        """Return the child of this name.

        Raises:
            LookupError: There is none.
        """

    @abc.abstractmethod
    def patched(self, node: Any, name: str, child: object) -> object:
        """Return the node with another child: itself, changed, where the kind can be changed."""


class DictNode(TreeNodeHandler):
    """A mapping with texts or whole numbers for keys. Other keys lead nowhere."""

    def handles(self, node: object) -> bool:
        """Whether it is a dictionary."""
        return isinstance(node, dict)

    def children(self, node: dict[Any, object]) -> Iterator[tuple[str, object]]:
        """Return the entries by key."""
        return ((str(key), entry) for key, entry in node.items() if _is_name(key))

    def child(self, node: dict[Any, object], name: str) -> object:
        """Return the entry."""
        key = self._key(node, name)
        if key not in node:  # asking a defaultdict for it would make it
            raise KeyError(name)
        return node[key]

    def patched(self, node: dict[Any, object], name: str, child: object) -> object:
        """Put the entry in place."""
        node[self._key(node, name)] = child
        return node

    def _key(self, node: dict[Any, object], name: str) -> object:
        return name if name in node and _is_name(name) else _index(name)


class ListNode(TreeNodeHandler):
    """A list, whose children are named by their places."""

    def handles(self, node: object) -> bool:
        """Whether it is a list."""
        return isinstance(node, list)

    def children(self, node: list[object]) -> Iterator[tuple[str, object]]:
        """Return the entries by place."""
        return ((str(place), entry) for place, entry in enumerate(node))

    def child(self, node: list[object], name: str) -> object:
        """Return the entry."""
        return node[_index(name)]

    def patched(self, node: list[object], name: str, child: object) -> object:
        """Put the entry in place."""
        node[_index(name)] = child
        return node


class TupleNode(TreeNodeHandler):
    """A tuple, which is built anew around a changed entry."""

    def handles(self, node: object) -> bool:
        """Whether it is a tuple."""
        return isinstance(node, tuple)

    def children(self, node: tuple[object, ...]) -> Iterator[tuple[str, object]]:
        """Return the entries by place."""
        return ((str(place), entry) for place, entry in enumerate(node))

    def child(self, node: tuple[object, ...], name: str) -> object:
        """Return the entry."""
        return node[_index(name)]

    def patched(self, node: tuple[object, ...], name: str, child: object) -> object:
        """Return a tuple of the same type with the other entry."""
        place = _index(name)
        entries = (*node[:place], child, *node[place + 1 :])
        make = getattr(type(node), "_make", type(node))  # a named tuple takes its fields apart
        return make(entries)


class GenomeNode(TreeNodeHandler):
    """A genome, whose children are the values of its genes; built anew around a changed one."""

    def handles(self, node: object) -> bool:
        """Whether it is a genome."""
        return isinstance(node, Genome)

    def children(self, node: Genome) -> Iterator[tuple[str, object]]:
        """Return the values of the genes."""
        return iter(node.as_hyperparameters().items())

    def child(self, node: Genome, name: str) -> object:
        """Return the value of a gene."""
        allele: AbstractAllele = node.alleles[name]
        return allele.value

    def patched(self, node: Genome, name: str, child: object) -> object:
        """Return the genome with another value of the gene."""
        return node.with_hyperparameters({name: child})


class ObjectNode(TreeNodeHandler):
    """Any other object: its public attributes, and of a module what it registers."""

    def handles(self, node: object) -> bool:
        """Whether it is an object that belongs to this state alone."""
        return hasattr(node, "__dict__") and not isinstance(node, (*_OUT_OF_REACH, Tensor))

    def children(self, node: object) -> Iterator[tuple[str, object]]:
        """Return the attributes by name."""
        for holder in _holders(node):
            yield from ((name, held) for name, held in holder.items() if _is_name(name))

    def child(self, node: object, name: str) -> object:
        """Return the attribute."""
        if _is_name(name):
            for holder in _holders(node):
                if name in holder:
                    return holder[name]
        raise KeyError(name)

    def patched(self, node: object, name: str, child: object) -> object:
        """Set the attribute."""
        setattr(_unwrapped(node), name, child)
        return node


NODES: tuple[TreeNodeHandler, ...] = (
    DictNode(),
    ListNode(),
    TupleNode(),
    GenomeNode(),
    ObjectNode(),
)
"""The kinds that a state knows, in the order in which they are asked."""


def _holders(node: object) -> Iterator[Mapping[str, object]]:
    node = _unwrapped(node)
    yield vars(node)
    if isinstance(node, nn.Module):
        yield from (node._parameters, node._buffers, node._modules)


def _unwrapped(node: object) -> object:
    return bare_module(node) if isinstance(node, nn.Module) else node


def _is_name(key: object) -> bool:
    """Whether a key can stand in a path: private names cannot."""
    return isinstance(key, int) or (isinstance(key, str) and not key.startswith("_"))


def _index(name: str) -> int:
    if not name.isdecimal() or name != str(int(name)):
        raise KeyError(name)
    return int(name)
