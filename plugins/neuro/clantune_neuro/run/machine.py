"""What may change the last bit of a score: the kind of machine and the versions of packages."""

from __future__ import annotations

import importlib.metadata
import platform

import torch

PACKAGES = ("clantune-neuro", "clantune-core", "clantune-strategies", "torch", "numpy")


def kind(device: str) -> str:
    """Return the kind of this machine: its processor, or the device that scores networks."""
    if torch.device(device).type == "cuda":
        return f"cuda {torch.cuda.get_device_name(device)}"
    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a run depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # a source tree that is not installed
            found[package] = ""
    return found
