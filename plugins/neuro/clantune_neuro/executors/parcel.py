"""A workplace as it is sent to workers."""

from __future__ import annotations

import hashlib
import importlib
import pickle
from typing import Any

import attrs

from clantune_neuro.errors import NeuroError
from clantune_neuro.evaluation.workplace import Workplace
from clantune_neuro.replay.given import GivenBirths


@attrs.frozen
class Parcel:
    """What a worker may want of a workplace.

    Attributes:
        workplace: The workplace.
        key: Its name on workers, a hash of its bytes.
    """

    workplace: Workplace
    key: str
    _data: bytes = attrs.field(repr=False)
    _births: GivenBirths = attrs.field(repr=False)

    @classmethod
    def of(cls, workplace: Workplace) -> Parcel:
        """Pack a workplace.

        Raises:
            NeuroError: The task or the network cannot be sent.
        """
        try:
            data = _pickler().dumps(workplace)
        except Exception as error:  # of whatever a task holds
            task, module = type(workplace.task).__name__, type(workplace.module).__name__
            raise NeuroError(
                f"the task {task} or the network {module} cannot be sent to workers: "
                f"{type(error).__name__}: {error}; keep only what can be pickled in them, or pass "
                "executor=None, which scores in this process"
            ) from error
        key = hashlib.blake2b(data, digest_size=16).hexdigest()
        return cls(workplace, key, data, workplace.nursery.births)

    def data(self, name: str) -> bytes:
        """Return what a worker wants.

        Args:
            name: The key of the workplace, or the SHA-256 of given weights.

        Raises:
            BirthError: There are no such weights.
        """
        return self._data if name == self.key else self._births.data(name)


def _pickler() -> Any:
    """Return cloudpickle if it is installed; Dask brings it.

    It sends a task of a script or a notebook as a whole, not by the name of its module.
    """
    try:
        return importlib.import_module("cloudpickle")
    except ModuleNotFoundError:
        return pickle
