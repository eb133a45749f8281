"""Makes the tables of noise: `python -m clantune_neuro.noise.make_tables FOLDER`.

A table has the quantiles of a distribution at (k + 1/2) / 65,536, scaled to unit variance, in units
of 2^-24, as little-endian integers of 32 bits. The package contains the result, and
`noise.shapes` pins its hash, so that no computer computes a quantile during replay.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist

import numpy as np

HALF = 32_768
UNIT = 2**24

QUANTILES: dict[str, Callable[[float], float]] = {
    "normal": NormalDist().inv_cdf,
    "exponential": lambda share: -math.log(2 * (1 - share)),  # on both sides: Laplace's
    "uniform": lambda share: share - 0.5,
}
"""By name: the quantile function, for shares of 1/2 and more."""


def table(quantile: Callable[[float], float]) -> bytes:
    """Return the table of a symmetric distribution."""
    upper = [quantile(0.5 + (k + 0.5) / (2 * HALF)) for k in range(HALF)]
    deviation = math.sqrt(math.fsum(x * x for x in upper) / HALF)
    steps = np.array([round(x / deviation * UNIT) for x in upper], dtype="<i4")
    return np.concatenate([-steps[::-1], steps]).tobytes()


def main(folder: str) -> None:
    """Write every table into a folder."""
    for name, quantile in QUANTILES.items():
        (Path(folder) / f"{name}.bin").write_bytes(table(quantile))


if __name__ == "__main__":
    main(sys.argv[1])
