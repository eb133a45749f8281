"""What gives a lineage its meaning, as one hash, and the first difference of two blueprints."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from clantune_neuro.lineage.layout import Layout
from clantune_neuro.lineage.tensors import TensorSpec


def fingerprint(layout: Layout) -> str:
    """Return the BLAKE2b-128 of all that gives a lineage its meaning, in hexadecimal.

    The names of parameters do not count, only those that key the noise.
    """
    names = [tensor.name for tensor in layout.tensors]
    meaning = {
        "tensors": [_meaning(tensor) for tensor in layout.tensors],
        "operators": [[entry.name, [*entry.parameters]] for entry in layout.operators],
        "bank": [names.index(name) for name in layout.bank],
    }
    text = json.dumps(meaning, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def difference(one: Layout, other: Layout) -> str:
    """Return a sentence on the first difference of two blueprints, and what to do."""
    start = f"the blueprints {fingerprint(one)} and {fingerprint(other)} differ: "
    for ours, theirs in zip(one.tensors, other.tensors, strict=False):
        if _meaning(ours) != _meaning(theirs):
            return f"{start}{_shown(ours)} stands where {_shown(theirs)} stands; {_advice(ours)}"
    if len(one.tensors) != len(other.tensors):
        return f"{start}they have {len(one.tensors)} and {len(other.tensors)} tensors"
    if one.operators != other.operators:
        return (
            f"{start}their operators are {one.operator_names} and {other.operator_names}, or have "
            "other parameters; pass operators={...} to Blueprint.of"
        )
    return f"{start}their banks are {one.bank} and {other.bank}"


def _meaning(tensor: TensorSpec) -> list[Any]:
    birth = [tensor.birth.kind, tensor.birth.number]
    return [tensor.origin, [*tensor.shape], tensor.unit, tensor.scale, birth]


def _shown(tensor: TensorSpec) -> str:
    return (
        f"{tensor.origin!r} {tensor.shape} (unit 2^-{tensor.unit}, scale 2^{tensor.scale}, birth "
        f"{tensor.birth.kind} {tensor.birth.number})"
    )


def _advice(tensor: TensorSpec) -> str:
    return (
        f"if the parameter {tensor.name!r} has another name than before, pass "
        f"renamed={{{tensor.name!r}: OLD_NAME}} to Blueprint.of"
    )
