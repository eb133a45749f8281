"""Shell-style patterns of the names of genes."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

LR_GENES = ("lr", "*/lr", "lr/*", "*/lr/*")
"""Learning rates, as presets name them, also those of several groups of parameters."""

DECAY_GENES = ("weight_decay", "*/weight_decay", "weight_decay/*", "*/weight_decay/*")
"""Weight decays, as presets name them."""


def matches(patterns: Sequence[str], gene: str) -> bool:
    """Whether a gene has one of these names."""
    return any(fnmatchcase(gene, pattern) for pattern in patterns)
