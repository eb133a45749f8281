"""What of a state travels, in a fixed order, and how a child takes it over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from clantune_clan.errors import ClanError
from clantune_clan.inheritance.form import Form, Outline, put_together, take_apart
from clantune_clan.member.state import State
from clantune_clan.unwrapping import bare_module

FIXED = ("model", "average")
"""Parts that have the same form on all ranks, since the ranks have built the same."""


@attrs.frozen
class Leaf:
    """A tensor that travels, by name."""

    name: str
    tensor: Tensor


@attrs.frozen(slots=False, eq=False)
class Heritage:
    """All of one rank's state that travels: a form and its tensors, in the order of the form.

    Attributes:
        forms: The form of each part: model, average, optimizer, registered.
        leaves: The tensors, which share memory with the state where the state lets them.
        values: The parts themselves.
    """

    forms: dict[str, Form]
    leaves: tuple[Leaf, ...]
    values: dict[str, Any]

    @cached_property
    def tensors(self) -> list[Tensor]:
        """The tensors alone."""
        return [leaf.tensor for leaf in self.leaves]

    @cached_property
    def text(self) -> str:
        """The forms as JSON."""
        return json.dumps(self.forms)

    @cached_property
    def digest(self) -> str:
        """A short text that differs where the forms do."""
        return hashlib.blake2b(self.text.encode(), digest_size=16).hexdigest()

    def fitted(self, forms: Mapping[str, Form], homes: Mapping[str, Tensor]) -> Heritage:
        """Return a heritage of other forms: of these tensors those that fit, and new ones."""
        old = {leaf.name: leaf.tensor for leaf in self.leaves}
        leaves: list[Leaf] = []
        taken: set[int] = set()
        find = partial(_find, old, homes, taken, leaves)
        values = {part: put_together(form, part, find) for part, form in forms.items()}
        return Heritage(dict(forms), tuple(leaves), values)


def heritage_of(state: State, registered: Mapping[str, Any]) -> Heritage:
    """Return what of a state, and of objects that were registered, travels.

    Raises:
        ClanError: Something in it cannot travel, an object fails, or the model holds the averages
            at the moment.
    """
    if state.average is not None and state.average.is_in_place:
        raise ClanError(
            "the model holds the averaged weights at the moment, and its own stand aside: call "
            "state.average.swap_out() before members inherit"
        )
    values: dict[str, Any] = {
        "model": _tensors(bare_module(state.model)),
        # Its state_dict copies: a round would pay for that on all ranks, each time.
        "average": None if state.average is None else state.average.tensors,
        "optimizer": _states(state),
        "registered": {name: _asked(name, each) for name, each in registered.items()},
    }
    leaves: list[Leaf] = []
    forms = {
        part: take_apart(value, part, lambda name, tensor: leaves.append(Leaf(name, tensor)))
        for part, value in values.items()
    }
    return Heritage(forms, tuple(_apart(leaves)), values)


def homes_of(state: State) -> dict[str, Tensor]:
    """Return the parameter that each entry of the optimizer's state belongs to, by name."""
    return {f"optimizer/{name}": p.detach() for name, p in _parameters(state)}


def take_over(state: State, registered: Mapping[str, Any], heritage: Heritage) -> None:
    """Make a heritage the state: its tensors are filled by now.

    Raises:
        ClanError: An object does not take its part.
    """
    held, found = state.optimizer.state, heritage.values["optimizer"]
    for name, parameter in _parameters(state):
        if name in found:
            _put(state.optimizer, parameter, found[name])
        elif parameter in held:  # asked before: reading what is not there would make it
            del held[parameter]
    for name, each in registered.items():
        try:
            each.load_state_dict(heritage.values["registered"][name])
        except Exception as error:
            raise _failed(name, "load_state_dict", error) from error


def _apart(leaves: Sequence[Leaf]) -> Iterator[Leaf]:
    """Return leaves, with a copy of what an object shows of other parts, which change meanwhile."""
    seen = set()
    for leaf in leaves:
        memory = leaf.tensor.untyped_storage().data_ptr()
        is_shown = memory in seen and leaf.name.startswith("registered/")
        yield Leaf(leaf.name, leaf.tensor.clone()) if is_shown else leaf
        seen.add(memory)


def _asked(name: str, thing: Any) -> Any:
    try:
        return thing.state_dict()
    except Exception as error:
        raise _failed(name, "state_dict", error) from error


def _failed(name: str, method: str, error: Exception) -> ClanError:
    return ClanError(
        f"what is registered as {name!r} cannot be inherited: its {method} raised "
        f"{type(error).__name__}: {error}"
    )


def _put(optimizer: Optimizer, key: Tensor, entry: Any) -> None:
    held = optimizer.state
    if key in held and isinstance(held[key], dict) and isinstance(entry, dict):
        held[key].clear()  # the dictionary stays: others may hold it
        held[key].update(entry)
    else:
        held[key] = entry


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """Return all parameters and buffers; what is tied, once; also what is not saved."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _parameters(state: State) -> Iterator[tuple[str, Tensor]]:
    """Return the optimizer's parameters with their names, which are those in the model."""
    names = {id(p): name for name, p in bare_module(state.model).named_parameters()}
    for place, group in enumerate(state.optimizer.param_groups):
        for number, parameter in enumerate(group["params"]):
            yield names.get(id(parameter), f"group {place}, {number}"), parameter


def _states(state: State) -> dict[str, Any]:
    held = state.optimizer.state
    return {name: held[p] for name, p in _parameters(state) if p in held}


def _find(
    old: Mapping[str, Tensor],
    homes: Mapping[str, Tensor],
    taken: set[int],
    leaves: list[Leaf],
    outline: Outline,
) -> Tensor:
    tensor = old.get(outline.name)
    # What an object returns from state_dict may be a part of something else: never written into.
    registered = outline.name.startswith("registered/")
    if registered or tensor is None or not _fits(tensor, outline) or id(tensor) in taken:
        tensor = _new(outline, homes)
    taken.add(id(tensor))
    leaves.append(Leaf(outline.name, tensor))
    return tensor


def _fits(tensor: Tensor, outline: Outline) -> bool:
    overlaps = any(
        stride == 0 and size > 1 for stride, size in zip(tensor.stride(), tensor.shape, strict=True)
    )
    return (
        tensor.dtype is outline.dtype
        and tuple(tensor.shape) == outline.shape
        and tensor.device.type == outline.device
        and not overlaps
    )


def _new(outline: Outline, homes: Mapping[str, Tensor]) -> Tensor:
    """Return an empty tensor, laid out like the parameter that it is about, and where that is."""
    above = outline.name
    while above not in homes and "/" in above:
        above = above.rpartition("/")[0]
    home = homes.get(above)
    if home is None or home.device.type != outline.device:
        return torch.empty(outline.shape, dtype=outline.dtype, device=outline.device)
    if home.shape == outline.shape:
        return torch.empty_like(home, dtype=outline.dtype)
    return torch.empty(outline.shape, dtype=outline.dtype, device=home.device)
