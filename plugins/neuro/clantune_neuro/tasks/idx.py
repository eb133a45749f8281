"""Files of the IDX format, in which MNIST and its relatives come. Nothing is downloaded."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import IO, cast

import numpy as np
import torch
from numpy.typing import NDArray

from clantune_neuro.errors import TaskError
from clantune_neuro.tasks.datasets import Dataset
from clantune_neuro.tasks.points import Points

_UNSIGNED_BYTES = 8
_STEP = 1 << 20


def read_idx_folder(folder: str | Path) -> Dataset:
    """Return the points of a folder with the four files of MNIST, plain or compressed by gzip.

    The files are `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`
    and `t10k-labels-idx1-ubyte`, with or without `.gz`. A value of 255 becomes 0.7, and 0 becomes
    -0.3. The part `t10k` is held out.

    Args:
        folder: The folder.

    Raises:
        TaskError: A file is missing or damaged, or images and labels differ in number.
    """
    return Dataset(_part(Path(folder), "train"), _part(Path(folder), "t10k"))


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Return the values of one IDX file of unsigned bytes.

    Raises:
        TaskError: The file cannot be read, or is not a whole IDX file of unsigned bytes.
    """
    try:
        with _open(path) as file:
            return _values(path, file)
    except (OSError, EOFError, zlib.error) as error:
        raise TaskError(f"{path} cannot be read: {error}") from error


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _values(path: Path, file: IO[bytes]) -> NDArray[np.uint8]:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0":
        raise TaskError(f"{path} is not an IDX file: it begins with {head.hex() or 'nothing'}")
    kind, dimensions = head[2], head[3]
    if kind != _UNSIGNED_BYTES:
        raise TaskError(
            f"{path} holds values of the type {kind:#04x}; only unsigned bytes are read"
        )
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise TaskError(f"{path} is cut short: its header ends after {len(sizes) + 4} bytes")
    shape = struct.unpack(f">{dimensions}I", sizes)
    expected = math.prod(shape)
    data = _at_most(file, expected + 1)
    if len(data) != expected:
        found = "more" if len(data) > expected else f"{len(data)}"
        raise TaskError(
            f"{path} is damaged: its header says {expected} values, and it holds {found}"
        )
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)


def _at_most(file: IO[bytes], limit: int) -> bytes:
    """Return up to `limit` bytes. Memory grows with what the file holds, not with its header."""
    data = bytearray()
    while len(data) < limit and (step := file.read(min(_STEP, limit - len(data)))):
        data += step
    return bytes(data)


def _part(folder: Path, part: str) -> Points:
    images_path = _file(folder, f"{part}-images-idx3-ubyte")
    labels_path = _file(folder, f"{part}-labels-idx1-ubyte")
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels) or not len(images):
        raise TaskError(
            f"{images_path} has the shape {images.shape} and {labels_path} the shape "
            f"{labels.shape}; images need (count, height, width) and labels the same count"
        )
    x = torch.from_numpy(images.astype(np.float32) / 255 - 0.3)
    return Points(x, torch.from_numpy(labels.astype(np.int64)))


def _file(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise TaskError(f"{folder} holds no file {name} or {name}.gz")
