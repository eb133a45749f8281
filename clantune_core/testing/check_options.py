"""What `clantune check` is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Checking:
    """How plugins are checked.

    Attributes:
        arguments: Arguments for the class of a strategy or a kind, or for the function of a recipe,
            as JSON data; None for its defaults.
        genes: Kinds by the names of genes, for strategies that need certain genes; empty for any.
        may_pass: Hooks that may return None in every case.
        examples: Number of cases that each law is tried on.
        seed: Seed of the cases.
    """

    arguments: Mapping[str, Any] | None = None
    genes: Mapping[str, str] = attrs.field(factory=dict)
    may_pass: Sequence[str] = ()
    examples: int = 100
    seed: int = 0
