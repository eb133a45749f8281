"""Births from given weights: kept by their SHA-256, in memory or in a folder."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from clantune_neuro.errors import BirthError
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.noise.sources import Source
from clantune_neuro.replay.state import State


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
        name = state.sha256
        arrays = {str(index): each.cpu().numpy() for index, each in enumerate(state.tensors)}
        arrays |= {key: extra.cpu().numpy() for key, extra in state.extras.items()}
        data = io.BytesIO()
        np.savez(data, allow_pickle=False, **arrays)
        if self.folder is None:
            self._kept[name] = data.getvalue()
        else:
            _write(self.folder / f"{name}.npz", data.getvalue())
        return Lineage.given(name)

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
        state = State(blueprint, source, [found.pop(place) for place in places], found)
        if state.sha256 != name:
            raise BirthError(
                f"the given weights {name} are damaged: their SHA-256 is {state.sha256}", name=name
            )
        return state

    def _arrays(self, name: str) -> Mapping[str, np.ndarray]:
        try:
            with np.load(io.BytesIO(self._data(name)), allow_pickle=False) as arrays:
                return dict(arrays)
        except (KeyError, FileNotFoundError):
            where = "kept" if self.folder is None else f"in {self.folder}"
            raise BirthError(f"no given weights {name} are {where}", name=name) from None
        except (ValueError, OSError, EOFError) as error:
            raise BirthError(
                f"the given weights {name} cannot be read: {error}", name=name
            ) from error

    def _data(self, name: str) -> bytes:
        if self.folder is None:
            return self._kept[name]
        return (self.folder / f"{name}.npz").read_bytes()


def _write(file: Path, data: bytes) -> None:
    """Write a file as a whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f"{file.name}.{os.getpid()}.part")
    with aside.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(file)
