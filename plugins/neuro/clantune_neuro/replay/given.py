"""Births from given weights: kept by their SHA-256, in memory or in a folder."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import nn

from clantune_neuro.errors import BirthError, RangeError
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.noise.sources import Source
from clantune_neuro.replay.state import State

_UNREADABLE = (ValueError, OSError, EOFError, BadZipFile, RuntimeError, TypeError)
"""What numpy raises on a file that is cut short or damaged."""


class GivenBirths:
    """Weights of births that no seed draws, by the SHA-256 of their integers.

    Attributes:
        folder: Where the weights lie as files called NAME.npz; None keeps them in memory.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.folder = None if folder is None else Path(folder)
        self._kept: dict[str, bytes] = {}

    def add(self, state: State) -> Lineage:
        """Keep the weights of a state, and return the lineage that begins with them."""
        arrays = {str(index): each.cpu().numpy() for index, each in enumerate(state.tensors)}
        arrays |= {key: extra.cpu().numpy() for key, extra in state.extras.items()}
        data = io.BytesIO()
        np.savez(data, allow_pickle=False, **arrays)
        self.put(state.sha256, data.getvalue())
        return Lineage.given(state.sha256)

    def add_module(self, module: nn.Module, blueprint: Blueprint, source: Source) -> Lineage:
        """Keep the weights of a module, rounded to units, and return their lineage.

        Raises:
            RangeError: A weight is out of range.
        """
        parameters = dict(module.named_parameters())
        units = [
            torch.round(parameters[spec.name].detach().to(torch.float64) * 2.0**spec.unit)
            .clamp(-(2**31) + 1, 2**31 - 1)
            .to(torch.int32)
            for spec in blueprint.tensors
        ]
        return self.add(State(blueprint, source, [each.contiguous() for each in units]))

    def state(self, name: str, blueprint: Blueprint, source: Source, device: torch.device) -> State:
        """Return the weights with this SHA-256.

        Raises:
            BirthError: They are missing, damaged, or belong to another blueprint.
        """
        arrays = self._arrays(name)
        places = [str(index) for index in range(len(blueprint.tensors))]
        shapes = [arrays[place].shape for place in places if place in arrays]
        if shapes != [spec.shape for spec in blueprint.tensors]:
            raise BirthError(f"the given weights {name} do not fit {blueprint}", name=name)
        found = {key: torch.from_numpy(array).to(device) for key, array in arrays.items()}
        try:
            state = State(blueprint, source, [found.pop(place) for place in places], found)
        except RangeError as error:
            raise BirthError(f"the given weights {name} are damaged: {error}", name=name) from error
        if state.sha256 != name:
            raise BirthError(
                f"the given weights {name} are damaged: their SHA-256 is {state.sha256}", name=name
            )
        return state

    # ---- As bytes, to and from other processes ----

    def __contains__(self, name: str) -> bool:
        return name in self._kept if self.folder is None else self._file(name).is_file()

    def data(self, name: str) -> bytes:
        """Return the weights with this SHA-256 as `put` takes them in another process.

        Raises:
            BirthError: They are missing.
        """
        try:
            return self._kept[name] if self.folder is None else self._file(name).read_bytes()
        except (KeyError, FileNotFoundError):
            where = "kept" if self.folder is None else f"in {self.folder}"
            raise BirthError(f"no given weights {name} are {where}", name=name) from None

    def put(self, name: str, data: bytes) -> None:
        """Keep weights that `data` returned in another process. `state` checks their SHA-256."""
        if self.folder is None:
            self._kept[name] = data
        else:
            _write(self._file(name), data)

    def forget(self, name: str) -> None:
        """Drop weights from memory, or delete their file."""
        if self.folder is None:
            self._kept.pop(name, None)
        else:
            self._file(name).unlink(missing_ok=True)

    # ---- Inner parts ----

    def _arrays(self, name: str) -> Mapping[str, np.ndarray]:
        data = io.BytesIO(self.data(name))
        try:
            with np.load(data, allow_pickle=False) as arrays:
                return dict(arrays)
        except _UNREADABLE as error:
            raise BirthError(
                f"the given weights {name} cannot be read: {error}", name=name
            ) from error

    def _file(self, name: str) -> Path:
        return Path(self.folder or "", f"{name}.npz")


def _write(file: Path, data: bytes) -> None:
    """Write a file as a whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f"{file.name}.{os.getpid()}.part")
    with aside.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(file)
