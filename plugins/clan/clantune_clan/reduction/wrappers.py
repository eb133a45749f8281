"""Detection of `DistributedDataParallel` wrappers, which also average gradients.

A framework may wrap the model, or a module around it, in `DistributedDataParallel` before or after
the clan is made. A wrapper decides in its forward pass whether it averages. So each forward pass
of the model checks whether it runs inside a wrapper, and switches that wrapper off.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.hooks import RemovableHandle

from clantune_clan.communication import Communication
from clantune_clan.errors import GradientError
from clantune_clan.module_hook import ModuleHook


class Wrappers:
    """Prevents every `DistributedDataParallel` around a model from averaging its gradients."""

    def __init__(self, model: nn.Module, communicator: Communication) -> None:
        """Switch off the wrappers in the model, and register hooks that detect others.

        Raises:
            GradientError: A wrapper cannot be switched off.
        """
        self._model = model
        self._communicator = communicator
        self._off: list[DistributedDataParallel] = []
        self._hooks: list[RemovableHandle] = []
        for module in model.modules():
            if isinstance(module, DistributedDataParallel):
                self._switch_off(module)
        # In the first step the submodules have hooks too: other code may call them directly.
        look = ModuleHook(self._before_forward)
        self._first, *parts = [module.register_forward_pre_hook(look) for module in _called(model)]
        self._parts = parts

    def end_first_step(self) -> None:
        """Remove the hooks of the submodules, and keep the hook of the model."""
        for hook in self._parts:
            hook.remove()
        self._parts = []

    def close(self) -> None:
        """Let the wrappers average again."""
        self.end_first_step()
        for hook in (self._first, *self._hooks):
            hook.remove()
        for wrapper in self._off:
            wrapper.require_backward_grad_sync = wrapper.require_forward_param_sync = True
        self._hooks, self._off = [], []

    def _before_forward(self, *_: object) -> None:
        wrapper = DistributedDataParallel._get_active_ddp_module()
        if wrapper is None or not wrapper.require_backward_grad_sync:
            return
        try:
            self._switch_off(wrapper)
        except GradientError as problem:
            self._communicator.announce(problem)
            raise

    # The forward pass that calls this may be compiled.
    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _switch_off(self, wrapper: DistributedDataParallel) -> None:
        if problem := self._problem(wrapper):
            raise problem
        _silence(wrapper)
        if all(wrapper is not known for known in self._off):
            self._off.append(wrapper)
            # A framework may switch it on again between two steps, as Lightning does.
            self._hooks.append(wrapper.register_forward_pre_hook(_silence))

    def _problem(self, wrapper: DistributedDataParallel) -> GradientError | None:
        ranks = wrapper.process_group.size()
        if ranks > self._communicator.world_size:
            return GradientError(
                f"the model runs inside DistributedDataParallel on {ranks} ranks, and this clan "
                "was made before their process group, so it has one rank: in Lightning, leave the "
                "clan out of the module, and write "
                "Trainer(callbacks=[ClanCallback(judge='val_loss')])"
            )
        if wrapper.static_graph:
            return GradientError(
                "the model runs inside DistributedDataParallel(static_graph=True), which fails if "
                "it does not average in its first step; in a clan it never does: leave "
                "static_graph out"
            )
        ours = {id(parameter) for parameter in self._model.parameters()}
        for name, parameter in wrapper.module.named_parameters():
            if parameter.requires_grad and id(parameter) not in ours:
                return GradientError(
                    "the model runs inside DistributedDataParallel, which also averages the "
                    f"gradient of {name!r}, a parameter that is not in the clan's model. A clan "
                    "switches the wrapper off, so give the clan the whole module that it wraps"
                )
        return None


def _silence(wrapper: Any, *_: object) -> None:
    wrapper.require_backward_grad_sync = False
    wrapper.require_forward_param_sync = False  # it would also copy buffers from rank 0


def _called(module: nn.Module) -> Iterator[nn.Module]:
    """Return a module and its submodules, down to those that torch.compile has compiled.

    Removing a hook inside a compiled module would cause a recompilation.
    """
    yield module
    if not hasattr(module, "_orig_mod") and module._compiled_call_impl is None:
        for child in module.children():
            yield from _called(child)
