"""The state that a child inherits: a member's tensors and plain data, in a fixed order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import attrs
import torch
from torch import Tensor

from clantune_clan.communication.buckets import Outline
from clantune_clan.errors import ClanError
from clantune_clan.inheritance.form import Form, put_together, take_apart
from clantune_clan.member.optimizer_state import optimizer_state, parameters_of, put
from clantune_clan.member.training_state import TrainingState
from clantune_clan.shards import local, sharded_as
from clantune_clan.unwrapping import named_tensors


@attrs.frozen(slots=False, eq=False)
class InheritedState:
    """The part of a member's state that children inherit.

    Attributes:
        values: Parts by name: `"model"`, `"average"`, `"optimizer"`, `"registered"`.
        forms: Form of each part.
        tensors: Tensors in the parts, which the member's state shares wherever possible.
    """

    values: dict[str, Any]
    forms: dict[str, Form]
    tensors: dict[Outline, Tensor]

    @cached_property
    def text(self) -> str:
        """The forms as JSON."""
        return json.dumps(self.forms)

    @cached_property
    def digest(self) -> str:
        """A short text that differs if the forms differ."""
        return hashlib.blake2b(self.text.encode(), digest_size=16).hexdigest()

    def shaped_as(self, forms: Mapping[str, Form], state: TrainingState) -> InheritedState:
        """Return a state of other forms to fill. It reuses tensors that fit, and adds new ones."""
        placements = {f"optimizer/{name}": local(p.detach()) for name, p, _ in parameters_of(state)}
        tensors: dict[Outline, Tensor] = {}

        def tensor(outline: Outline) -> Tensor:
            # A registered object may share memory with another object, so never write to it.
            own = None if _is_registered(outline) else self.tensors.get(outline)
            tensors[outline] = _empty(outline, placements) if own is None else own
            return tensors[outline]

        values = {part: put_together(form, part, tensor) for part, form in forms.items()}
        return InheritedState(values, dict(forms), tensors)


def inherited_state(state: TrainingState, registered: Mapping[str, Any]) -> InheritedState:
    """Return the part of a state and of registered objects that children inherit.

    Raises:
        ClanError: A value cannot be sent, an object raises an exception, or the model contains its
            averaged weights now.
    """
    if state.average is not None and state.average.is_in_place:
        raise ClanError(
            "the model holds its averaged weights instead of its own, so nothing can be inherited: "
            "call state.average.swap_out() first"
        )
    values: dict[str, Any] = {
        "model": named_tensors(state.model),
        # Not its state_dict, which would copy all tensors.
        "average": None if state.average is None else state.average.tensors,
        "optimizer": optimizer_state(state),
        "registered": {name: _state_dict(name, each) for name, each in registered.items()},
    }
    tensors: dict[str, Tensor] = {}
    forms = {part: take_apart(value, part, tensors) for part, value in values.items()}
    outlines = {Outline.of(name, tensor): tensor for name, tensor in tensors.items()}
    return InheritedState(values, forms, _apart(outlines))


def take_over(
    state: TrainingState, registered: Mapping[str, Any], inherited: InheritedState
) -> None:
    """Load an inherited state, whose tensors are filled, into the state of a member.

    Raises:
        ClanError: A registered object fails to load its part.
    """
    found = inherited.values["optimizer"]
    for name, parameter, optimizer in parameters_of(state):
        if name in found:
            put(optimizer, parameter, sharded_as(parameter, found[name]))
        elif parameter in optimizer.state:  # reading a missing entry would create it
            del optimizer.state[parameter]
    for name, each in registered.items():
        try:
            each.load_state_dict(inherited.values["registered"][name])
        except Exception as error:
            raise _failed(name, "load_state_dict", error) from error


def _apart(tensors: Mapping[Outline, Tensor]) -> dict[Outline, Tensor]:
    """Return tensors, with a copy of each one that shares memory with an earlier tensor.

    Inherited values may overwrite the earlier tensor before the later one is sent. Tensors of the
    model or the optimizer share memory only if they are the same view of it. Different parts of one
    storage do not count.
    """
    storages: set[int] = set()
    views: set[tuple[Any, ...]] = set()
    apart = {}
    for outline, tensor in tensors.items():
        storage = tensor.untyped_storage().data_ptr()
        view = (tensor.data_ptr(), tensor.shape, tensor.stride())
        is_shared = view in views or (_is_registered(outline) and storage in storages)
        apart[outline] = tensor.clone() if is_shared else tensor
        storages.add(storage)
        views.add(view)
    return apart


def _is_registered(outline: Outline) -> bool:
    return outline.name.startswith("registered/")


def _state_dict(name: str, registered: Any) -> Any:
    try:
        return registered.state_dict()
    except Exception as error:
        raise _failed(name, "state_dict", error) from error


def _failed(name: str, method: str, error: Exception) -> ClanError:
    return ClanError(
        f"what is registered as {name!r} cannot be inherited: its {method} raised "
        f"{type(error).__name__}: {error}"
    )


def _empty(outline: Outline, placements: Mapping[str, Tensor]) -> Tensor:
    """Return an empty tensor with the device and the memory layout of its parameter."""
    parameter = placements.get("/".join(outline.name.split("/")[:2]))
    if parameter is None or parameter.device.type != outline.device:
        return torch.empty(outline.shape, dtype=outline.dtype, device=outline.device)
    if parameter.shape == outline.shape:
        return torch.empty_like(parameter, dtype=outline.dtype)
    return torch.empty(outline.shape, dtype=outline.dtype, device=parameter.device)
