"""Members of a run as files of weights, which plain PyTorch reads."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import torch

from clantune_core import Genome, Population
from clantune_neuro.errors import NeuroError
from clantune_neuro.extras import extra
from clantune_neuro.run.best import Best
from clantune_neuro.run.files import writable

ENDINGS = (".pt", ".safetensors")
"""The endings of files of weights."""


def export(best: Best, file: str | os.PathLike[str]) -> Path:
    """Write the state of a member's network to a file, and return its path.

    Args:
        best: The member: `run.best`, or `run.member(uuid)`.
        file: A path that ends with `.pt`, for `torch.load`, or with `.safetensors`, whose metadata
            contain the lineage.

    Raises:
        NeuroError: The ending is another one, the folder does not exist, or safetensors is not
            installed.
    """
    path = writable(file, ENDINGS)
    if path.suffix == ".pt":
        torch.save(best.state_dict(), path)
    else:
        _save_safetensors(best.state_dict(), path, {"lineage": str(best.lineage)})
    return path


def member_of(population: Population, uuid: UUID | str) -> Genome:
    """Return the member with an identity, or with the only one that begins with a text.

    Raises:
        NeuroError: There is none, or more than one.
    """
    wanted = str(uuid).lower()
    found = [member for member in population if str(member.uuid).startswith(wanted)]
    if wanted and len(found) == 1:
        return found[0]
    known = [str(member.uuid) for member in found or population]
    if found:
        raise NeuroError(f"{len(found)} members begin with {wanted!r}: {_shown(known)}")
    near = difflib.get_close_matches(wanted, known, n=1)
    advice = f"the nearest is {near[0]}" if near else f"they are {_shown(known)}"
    raise NeuroError(f"no member of the last generation is called {wanted!r}; {advice}")


def _shown(names: list[str]) -> str:
    most = 8
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _save_safetensors(
    state: Mapping[str, torch.Tensor], path: Path, metadata: Mapping[str, str]
) -> None:
    module = extra("safetensors.torch", package="safetensors", name="safetensors")
    alone = {name: tensor.contiguous().clone() for name, tensor in state.items()}  # tied ones too
    module.save_file(alone, path, dict(metadata))
