"""Sets of labelled points, split into a part to train on and a part that is held out."""

from __future__ import annotations

import attrs
import numpy as np
import torch

from clantune_neuro.draws import permutation
from clantune_neuro.errors import TaskError
from clantune_neuro.extras import extra
from clantune_neuro.tasks.points import Points


@attrs.frozen(eq=False)
class Dataset:
    """Labelled points in two parts.

    Attributes:
        train: The points that fitness is measured on.
        held_out: The points that no selection sees.
    """

    train: Points
    held_out: Points


def digits(*, held_out: int = 450, seed: int = 0) -> Dataset:
    """Return the 1,797 handwritten digits of scikit-learn, 8 x 8 values from -0.3 to 0.7 each.

    Args:
        held_out: Number of digits that are held out.
        seed: Seed of the split.

    Raises:
        NeuroError: scikit-learn is not installed.
        TaskError: A part would be empty.
    """
    datasets = extra("sklearn.datasets", package="scikit-learn", name="digits")
    data = datasets.load_digits()
    count = len(data.target)
    if not 0 < held_out < count:
        raise TaskError(f"digits: held_out is {held_out}; it must be from 1 to {count - 1}")
    order = permutation((seed, "digits"), count)
    x = torch.from_numpy((data.data[order] / 16 - 0.3).astype(np.float32))
    y = torch.from_numpy(data.target[order].astype(np.int64))
    split = count - held_out
    return Dataset(Points(x[:split], y[:split]), Points(x[split:], y[split:]))


def sanity(points: int = 64, *, inputs: tuple[int, ...] = (128,), classes: int = 10) -> Dataset:
    """Return points that any network can learn: each value of a point is its label.

    A run that cannot learn them has a fault. The labels are 0, 1, 2 and so on, and begin again
    after the last class. Both parts of the set are equal.

    Args:
        points: Number of points.
        inputs: Shape of one point.
        classes: Number of labels.

    Raises:
        TaskError: A number is below 1.
    """
    if points < 1 or classes < 1:
        raise TaskError(f"sanity: {points} points of {classes} classes; both must be at least 1")
    y = torch.arange(points) % classes
    x = y.float().view(points, *(1 for _ in inputs)).expand(points, *inputs).contiguous()
    return Dataset(Points(x, y), Points(x, y))
