"""Numbers that are attributes of the modules of a model, and their paths."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from torch.nn.parallel import DistributedDataParallel

from clantune_autobind._binding import is_number


def numbers_in(model: nn.Module, attribute: str) -> Iterator[tuple[str, float]]:
    """Yield the path and value of an attribute of each module that has it, if it is a number.

    Modules with a private name have no path, and are left out.
    """
    for name, module in unwrapped(model)[-1].named_modules():
        value, path = vars(module).get(attribute), path_of(name, attribute)
        if path is not None and is_number(value):
            yield path, value


def path_of(name: str, attribute: str) -> str | None:
    """Return the path of a module's attribute, or None if a part of its name is private."""
    # A compiled module forwards attributes to the module that it wraps, so paths skip _orig_mod.
    names = [each for each in name.split(".") if each not in ("", "_orig_mod")]
    if any(each.startswith("_") for each in names):
        return None
    return "/".join(("model", *names, attribute))


def unwrapped(model: nn.Module) -> list[nn.Module]:
    """Return the model and the modules inside its wrappers, outermost first."""
    layers = [model]
    while (inner := _inner(layers[-1])) is not None:
        layers.append(inner)
    return layers


def compiled_from(module: nn.Module) -> nn.Module | None:
    """Return the module that `torch.compile` wrapped.

    Importing the wrapper class for an `isinstance` check would import the compiler.
    """
    return dict(module.named_children()).get("_orig_mod")


def _inner(model: nn.Module) -> nn.Module | None:
    if isinstance(model, DistributedDataParallel):
        wrapped: nn.Module = model.module
        return wrapped
    return compiled_from(model)
