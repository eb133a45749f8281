"""The environment variables that name a database, a group and the data of a run."""

from __future__ import annotations

import os

from clantune_store.errors import StoreError

SPELLINGS = {
    "DB": ("CLANTUNE_DB", "GF_DB"),
    "GROUP": ("CLANTUNE_GROUP", "GF_PARAM_GROUP"),
    "DATA": ("CLANTUNE_DATA", "GF_DATA"),
    "FAMILY": ("CLANTUNE_FAMILY", "GF_FAMILY"),
    "RUN": ("CLANTUNE_RUN",),
}
"""Variables by meaning; the second spelling is that of older programs."""


def variable(meaning: str) -> str | None:
    """Return the value of a variable, or None if it is not set, or empty.

    Raises:
        StoreError: Two variables of this meaning differ.
    """
    set_ = {name: os.environ[name] for name in SPELLINGS[meaning] if os.environ.get(name)}
    if len({*set_.values()}) > 1:
        both = " and ".join(f"{name}={value!r}" for name, value in set_.items())
        raise StoreError(f"{both} mean the same and differ: unset one of them")
    return next(iter(set_.values()), None)
