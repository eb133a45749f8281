"""Nodes of a state's tree: access to the children of each kind of node, and changes of them."""

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
"""Types of objects that the whole process shares, so their attributes are not part of a state."""


class TreeNodeHandler(abc.ABC):
    """Children and patching of one kind of node."""

    @abc.abstractmethod
    def handles(self, node: object) -> bool:
        """Whether this handler supports the node."""

    @abc.abstractmethod
    def children(self, node: Any) -> Iterator[tuple[str, object]]:
        """Return the children with their names, in order."""

    @abc.abstractmethod
    def child(self, node: Any, name: str) -> object:
        """Return the child of this name.

        Raises:
            LookupError: The node has no such child.
        """

    @abc.abstractmethod
    def patched(self, node: Any, name: str, child: object) -> object:
        """Return the node with another child: the node itself if it is mutable, or a copy."""


class DictNode(TreeNodeHandler):
    """A mapping whose keys are strings or integers. Paths ignore other keys."""

    def handles(self, node: object) -> bool:
        """Whether it is a dictionary."""
        return isinstance(node, dict)

    def children(self, node: dict[Any, object]) -> Iterator[tuple[str, object]]:
        """Return the entries by key."""
        return ((str(key), entry) for key, entry in node.items() if _is_name(key))

    def child(self, node: dict[Any, object], name: str) -> object:
        """Return the entry."""
        key = self._key(node, name)
        if key not in node:  # reading it from a defaultdict would create it
            raise KeyError(name)
        return node[key]

    def patched(self, node: dict[Any, object], name: str, child: object) -> object:
        """Replace the entry."""
        node[self._key(node, name)] = child
        return node

    def _key(self, node: dict[Any, object], name: str) -> object:
        return name if name in node and _is_name(name) else _index(name)


class ListNode(TreeNodeHandler):
    """A list. The names of its children are their indices."""

    def handles(self, node: object) -> bool:
        """Whether it is a list."""
        return isinstance(node, list)

    def children(self, node: list[object]) -> Iterator[tuple[str, object]]:
        """Return the entries by index."""
        return ((str(place), entry) for place, entry in enumerate(node))

    def child(self, node: list[object], name: str) -> object:
        """Return the entry."""
        return node[_index(name)]

    def patched(self, node: list[object], name: str, child: object) -> object:
        """Replace the entry."""
        node[_index(name)] = child
        return node


class TupleNode(TreeNodeHandler):
    """A tuple. A change of an entry makes a new tuple."""

    def handles(self, node: object) -> bool:
        """Whether it is a tuple."""
        return isinstance(node, tuple)

    def children(self, node: tuple[object, ...]) -> Iterator[tuple[str, object]]:
        """Return the entries by index."""
        return ((str(place), entry) for place, entry in enumerate(node))

    def child(self, node: tuple[object, ...], name: str) -> object:
        """Return the entry."""
        return node[_index(name)]

    def patched(self, node: tuple[object, ...], name: str, child: object) -> object:
        """Return a tuple of the same type with the new entry."""
        place = _index(name)
        entries = (*node[:place], child, *node[place + 1 :])
        make = getattr(type(node), "_make", type(node))  # a named tuple takes its fields one by one
        return make(entries)


class GenomeNode(TreeNodeHandler):
    """A genome. Its children are the values of its genes; a change of one makes a new genome."""

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
    """Any other object. Its children are its public attributes, and the entries of a module."""

    def handles(self, node: object) -> bool:
        """Whether it is an object with attributes that only this state uses."""
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
"""Handlers of all kinds of nodes. The first one that supports a node is used."""


def _holders(node: object) -> Iterator[Mapping[str, object]]:
    node = _unwrapped(node)
    yield vars(node)
    if isinstance(node, nn.Module):
        yield from (node._parameters, node._buffers, node._modules)


def _unwrapped(node: object) -> object:
    return bare_module(node) if isinstance(node, nn.Module) else node


def _is_name(key: object) -> bool:
    """Whether a key can be part of a path. Private names cannot."""
    return isinstance(key, int) or (isinstance(key, str) and not key.startswith("_"))


def _index(name: str) -> int:
    if not name.isdecimal() or name != str(int(name)):
        raise KeyError(name)
    return int(name)
