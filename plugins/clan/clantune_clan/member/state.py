"""The state of one member: genome, model and optimizer as one tree with paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from clantune_clan.errors import ClanError, PathError
from clantune_clan.member.leaves import fit, is_leaf, put
from clantune_clan.member.nodes import NODES, TreeNodeHandler
from clantune_clan.member.optimizers import Optimizers, OptimizersLike
from clantune_clan.shards import load_model, model_state, sharded_modules
from clantune_clan.unwrapping import bare_module
from clantune_core import Genome
from clantune_core.contracts import Expressed

Path = str
Leaf = bool | int | float | str | Tensor

ROOTS = ("genome", "model", "optimizer")


class State:
    """Genome, model and optimizer as one tree: walked, read and patched by path.

    A path such as `"optimizer/param_groups/0/betas/1"` or `"model/encoder/dropout/p"` starts at
    one of the three. With several optimizers the name of one follows, as in
    `"optimizer/generator/param_groups/0/lr"`. Paths contain no private names, and no objects that
    the process shares, such as classes and Python modules. Use `build_state` to make a state that
    is ready for training.

    Attributes:
        genome: Genome of the member.
        model: Model to call; paths lead into the module itself, without its wrappers.
        optimizers: Optimizers of its parameters by name.
    """

    def __init__(
        self,
        genome: Genome,
        model: nn.Module,
        optimizer: OptimizersLike,
    ) -> None:
        """Make a state.

        Args:
            genome: Genome of the member.
            model: Model to call, bare or wrapped.
            optimizer: Optimizer of its parameters, or several: a list, or by name.

        Raises:
            ClanError: Two optimizers have the same parameter.
        """
        self.genome = genome
        self.model = model
        self.optimizers = Optimizers(optimizer)
        self.optimizers.require_separate(model)

    @property
    def optimizer(self) -> Any:
        """The optimizer, or a read-only mapping of optimizers by name if several were given."""
        return self.optimizers.as_given

    def walk(self) -> Iterator[tuple[Path, Leaf]]:
        """Return every leaf with its path, depth first.

        An object that several paths or a cycle lead to is visited only the first time.
        """
        entered: set[int] = set()
        for root in ROOTS:
            yield from self._leaves(self._root(root), root, entered)

    def filter(self, predicate: Callable[[Path, Leaf], bool]) -> dict[Path, Leaf]:
        """Return the leaves for which the predicate holds, by path."""
        return {path: leaf for path, leaf in self.walk() if predicate(path, leaf)}

    def get(self, path: Path) -> Any:
        """Return the object at a path.

        Raises:
            PathError: The path does not exist.
        """
        return [*self._along(path)][-1][0]

    def patch(self, values: Mapping[Path, object]) -> None:
        """Set the values at paths: all of them, or none if one does not fit.

        A tensor is filled in place. Any other leaf is replaced by a value of the same kind.

        Raises:
            PathError: A path does not exist, or a value does not fit the leaf there.
        """
        fitted = {path: fit(self.get(path), value, path) for path, value in values.items()}
        for path, value in fitted.items():
            self._put(path, value)

    def replace(self, path: Path, value: object) -> None:
        """Set a value of any kind at a path.

        Raises:
            PathError: The path does not exist, or the object there rejects the value.
        """
        self._put(path, value)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the member, as tensors and plain data; of shards, those of a rank."""
        return {
            "genome": self.genome.serialize(),
            "model": model_state(bare_module(self.model)),
            "optimizer": self.optimizers.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load a state that `state_dict` returned; express the genome again after that.

        Raises:
            ClanError: The state has other genes, optimizers or param groups, or belongs to another
                model. Nothing has changed.
        """
        genome, module = Genome.deserialize(state["genome"]), bare_module(self.model)
        self.optimizers.require_loadable(state["optimizer"])
        _require_same_genes(genome, self.genome)
        is_sharded = bool(sharded_modules(module))
        _require_same_tensors(state["model"], model_state(module), is_sharded=is_sharded)
        self.genome = genome
        load_model(module, state["model"])
        self.optimizers.load_state_dict(state["optimizer"])

    def _root(self, name: str) -> object:
        roots = {
            "genome": self.genome,
            "model": bare_module(self.model),
            "optimizer": self.optimizers.tree,
        }
        return roots[name]

    def _handler(self, node: object) -> TreeNodeHandler | None:
        return next((handler for handler in NODES if handler.handles(node)), None)

    def _leaves(self, node: object, path: Path, entered: set[int]) -> Iterator[tuple[Path, Leaf]]:
        if is_leaf(node):
            yield path, node
        elif (handler := self._handler(node)) and id(node) not in entered:
            if not isinstance(node, tuple):  # equal tuples are often one object, and tuples alone
                entered.add(id(node))  # make no cycle
            for name, child in handler.children(node):
                yield from self._leaves(child, f"{path}/{name}", entered)

    def _along(self, path: Path) -> Iterator[tuple[object, TreeNodeHandler | None, str]]:
        """Return the nodes along a path, each with the handler of its parent and its name."""
        root, *names = path.split("/")
        if root not in ROOTS:
            raise PathError(
                f"{path!r} leads nowhere: a path starts with {', '.join(ROOTS)}", path=path
            )
        node = self._root(root)
        yield node, None, root
        while names:
            handler = None if is_leaf(node) else self._handler(node)
            for length in range(len(names), 0, -1):  # a name may contain "/", as "betas/0" does
                name = "/".join(names[:length])
                try:
                    child = handler.child(node, name) if handler else None
                except LookupError:
                    continue
                if handler:
                    break
            else:
                raise self._dead_end(path, "/".join(names), node, handler)
            del names[:length]
            node = child
            yield node, handler, name

    def _dead_end(
        self, path: Path, rest: str, node: object, handler: TreeNodeHandler | None
    ) -> PathError:
        known = [] if handler is None else [name for name, _ in handler.children(node)]
        there = ", ".join(known[:20]) + ", ..." * (len(known) > 20) if known else "nothing below it"
        return PathError(
            f"{path!r} leads nowhere: {rest!r} is not in the {type(node).__name__} at "
            f"{path[: -len(rest) - 1]!r}, which has {there}",
            path=path,
        )

    def _put(self, path: Path, value: object) -> None:
        way = [*self._along(path)]
        below = put(way[-1][0], value)
        for (above, _, _), (node, handler, name) in zip(way[-2::-1], way[:0:-1], strict=True):
            if below is node or handler is None:
                return  # changed in place, so the nodes above it are unchanged
            try:
                below = handler.patched(above, name, below)
            except (AttributeError, TypeError, ValueError) as error:
                raise PathError(
                    f"{path!r} cannot be set to {value!r}: {error}", path=path
                ) from error
        root = way[0][2]
        if root == "genome" and isinstance(below, Genome):
            self.genome = below


def _require_same_genes(loaded: Genome, own: Genome) -> None:
    if loaded.alleles.keys() != own.alleles.keys():
        raise ClanError(
            f"the loaded state has the genes {[*loaded.alleles]}, and this one has "
            f"{[*own.alleles]}; bind the same"
        )
    for name, allele in own.alleles.items():
        # The distance between paths is that of the loaded state: `clan.refresh` measures it anew.
        here, there = ([*Expressed.of(name, a).path] for a in (allele, loaded.alleles[name]))
        if here != there:
            raise ClanError(
                f"the loaded state expresses gene {name!r} at {', '.join(there)}, and this one at "
                f"{', '.join(here)}; bind the same"
            )


def _require_same_tensors(
    loaded: Mapping[str, Any], own: Mapping[str, Any], *, is_sharded: bool
) -> None:
    for name in {**own, **loaded}:
        here, there = (getattr(each.get(name), "shape", "missing") for each in (own, loaded))
        if here != there:
            what = "has other shards than this model" if is_sharded else "is of another model"
            advice = "; resume with as many ranks per member, and shard the model as then"
            raise ClanError(
                f"the loaded state {what}: {name} is {there} there and {here} here"
                + advice * is_sharded
            )
